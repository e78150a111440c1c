#ifndef COORD_SERVER_EXIT_H
#define COORD_SERVER_EXIT_H

/* Exit codes of coordd; every one but 0 comes with one line on stderr. */
enum server_exit {
    SERVER_EXIT_STOPPED = 0, /* as asked */
    SERVER_EXIT_FAILED = 1,  /* while running: storage in doubt, an impossible state, cut short */
    SERVER_EXIT_USAGE = 2,   /* a flag, the environment or the configuration */
    SERVER_EXIT_REFUSED =
        3, /* port taken; data directory in use, damaged, foreign, too new; files */
};

#endif
