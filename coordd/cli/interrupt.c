#include "interrupt.h"

#include <signal.h>
#include <string.h>

static volatile sig_atomic_t interrupted;

static void remember(int number)
{
    (void)number;
    interrupted = 1;
}

static void set_handler(void (*handler)(int))
{
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = handler;
    (void)sigemptyset(&action.sa_mask); /* no SA_RESTART, so that a read ends */
    (void)sigaction(SIGINT, &action, NULL);
}

void cli_interrupt_ignore(void)
{
    set_handler(SIG_IGN);
}

void cli_interrupt_catch(void)
{
    interrupted = 0;
    set_handler(remember);
}

bool cli_interrupted(void)
{
    return interrupted != 0;
}
