#include "edit.h"
#include "words.h"

#include "base/buf.h"
#include "base/memory.h"

#include <errno.h>
#include <histedit.h>
#include <stdio.h>
#include <string.h>

enum {
    HISTORY_LINES_MAX = 500,
    LINE_BYTES_MAX = 1 << 20,
    /* Candidates that are shown; of more their number alone. */
    SHOWN_MAX = 100,
};

struct cli_edit {
    const struct cli_edit_owner *owner;
    EditLine *line;
    History *history;
    struct cd_buf text; /* the line that was read */
    bool given_up;      /* by Ctrl-C: libedit tells an empty line and the end alike */
};

static struct cli_edit *edit_of(EditLine *line)
{
    void *context = NULL;
    (void)el_get(line, EL_CLIENTDATA, &context);
    return context;
}

static char *prompt(EditLine *line)
{
    const struct cli_edit_owner *owner = edit_of(line)->owner;
    return (char *)(uintptr_t)owner->prompt(owner->context); /* libedit reads it alone */
}

/* ---- Tab ---- */

/* Bytes that all of them begin with. */
static size_t common_bytes(const struct cli_candidates *candidates)
{
    size_t bytes = strlen(candidates->word[0]);
    for (size_t i = 1; i < candidates->count; i++) {
        size_t same = 0;
        while (same < bytes && candidates->word[i][same] == candidates->word[0][same]) {
            same++;
        }
        bytes = same;
    }
    /* Not within a character of several bytes. */
    while (bytes > 0 && ((unsigned char)candidates->word[0][bytes] & 0xc0u) == 0x80u) {
        bytes--;
    }
    return bytes;
}

static void show(const struct cli_candidates *candidates)
{
    (void)putchar('\n');
    if (candidates->count > SHOWN_MAX || candidates->more) {
        (void)printf("%s%zu that fit\n", candidates->more ? "more than " : "", candidates->count);
    } else {
        for (size_t i = 0; i < candidates->count; i++) {
            const char *word = candidates->word[i];
            const char *slash = strrchr(word, '/');
            bool name = slash != NULL && slash[1] != '\0';
            (void)printf("%s%s", i > 0 ? "  " : "", name ? slash + 1 : word);
        }
        (void)putchar('\n');
    }
    (void)fflush(stdout);
}

static size_t characters_of(const char *text, size_t bytes)
{
    size_t count = 0;
    for (size_t i = 0; i < bytes; i++) {
        count += ((unsigned char)text[i] & 0xc0u) != 0x80u ? 1 : 0;
    }
    return count;
}

/* Puts in what is certain; true if that is more than what stood there. */
static bool replace(EditLine *line, const struct cli_candidates *candidates, const char *typed)
{
    struct cd_buf word;
    size_t bytes = common_bytes(candidates);
    char *common = cd_strdup(candidates->word[0]);
    common[bytes] = '\0';
    bool certain = candidates->count == 1 && !candidates->more;
    bool goes_on = !certain || (bytes > 0 && common[bytes - 1] == '/');
    cd_buf_init(&word, LINE_BYTES_MAX);
    cli_word_quote(&word, common, goes_on);
    cd_buf_put(&word, " ", goes_on ? 1 : 2); /* with its NUL; a space ends a whole word */
    if (goes_on) {
        word.data[word.bytes - 1] = '\0';
    }
    bool more = !word.overflowed && strcmp((char *)word.data, typed) != 0 && (certain || bytes > 0);
    if (more) {
        el_deletestr(line, (int)characters_of(typed, strlen(typed)));
        (void)el_insertstr(line, (char *)word.data);
    }
    cd_buf_release(&word);
    cd_free(common);
    return more;
}

static unsigned char complete(EditLine *line, int key)
{
    const struct cli_edit_owner *owner = edit_of(line)->owner;
    const LineInfo *info = el_line(line);
    struct cli_candidates *candidates = cd_calloc(1, sizeof(*candidates));
    size_t bytes = (size_t)(info->cursor - info->buffer);
    char *typed = cd_malloc(bytes + 1);
    unsigned char done = CC_ERROR;
    (void)key;
    memcpy(typed, info->buffer, bytes);
    typed[bytes] = '\0';
    owner->complete(owner->context, typed, candidates);
    if (candidates->count > 0) {
        if (replace(line, candidates, typed + bytes - candidates->replace)) {
            done = CC_REFRESH;
        } else if (candidates->count > 1) {
            show(candidates);
            done = CC_REDISPLAY;
        }
    }
    cli_candidates_release(candidates);
    cd_free(candidates);
    cd_free(typed);
    return done;
}

/* ---- Ctrl-C ---- */

/* The terminal sends no signal while a line is typed, so it arrives as a key. */
static unsigned char give_up(EditLine *line, int key)
{
    const LineInfo *info = el_line(line);
    (void)key;
    size_t after = characters_of(info->cursor, (size_t)(info->lastchar - info->cursor));
    size_t before = characters_of(info->buffer, (size_t)(info->cursor - info->buffer));
    (void)el_cursor(line, (int)after);
    el_deletestr(line, (int)(before + after));
    edit_of(line)->given_up = true;
    (void)fputs("^C\n", stdout);
    (void)fflush(stdout);
    return CC_NEWLINE;
}

/* ---- Lines ---- */

static bool set_up(struct cli_edit *edit)
{
    HistEvent event;
    edit->line = el_init("coordctl", stdin, stdout, stderr);
    edit->history = history_init();
    if (edit->line == NULL || edit->history == NULL) {
        return false;
    }
    (void)history(edit->history, &event, H_SETSIZE, HISTORY_LINES_MAX);
    (void)history(edit->history, &event, H_SETUNIQUE, 1);
    (void)el_set(edit->line, EL_CLIENTDATA, edit);
    (void)el_set(edit->line, EL_HIST, history, edit->history);
    (void)el_set(edit->line, EL_PROMPT, prompt);
    (void)el_set(edit->line, EL_SIGNAL, 1); /* a window of another size; a terminal given back */
    (void)el_set(edit->line, EL_SETTY, "-d", "-isig", NULL);
    return el_set(edit->line, EL_EDITOR, "emacs") == 0 &&
           el_set(edit->line, EL_ADDFN, "coord-complete", "completes the word", complete) == 0 &&
           el_set(edit->line, EL_ADDFN, "coord-give-up", "gives up the line", give_up) == 0 &&
           el_set(edit->line, EL_BIND, "^I", "coord-complete", NULL) == 0 &&
           el_set(edit->line, EL_BIND, "^C", "coord-give-up", NULL) == 0 &&
           el_set(edit->line, EL_BIND, "^R", "em-inc-search-prev", NULL) == 0;
}

struct cli_edit *cli_edit_open(const struct cli_edit_owner *owner)
{
    struct cli_edit *edit = cd_calloc(1, sizeof(*edit));
    edit->owner = owner;
    cd_buf_init(&edit->text, LINE_BYTES_MAX);
    if (!set_up(edit)) {
        cli_edit_close(edit);
        return NULL;
    }
    return edit;
}

void cli_edit_close(struct cli_edit *edit)
{
    if (edit == NULL) {
        return;
    }
    if (edit->line != NULL) {
        el_end(edit->line);
    }
    if (edit->history != NULL) {
        history_end(edit->history);
    }
    cd_buf_release(&edit->text);
    cd_free(edit);
}

const char *cli_edit_read(struct cli_edit *edit)
{
    HistEvent event;
    int count = 0;
    edit->given_up = false;
    const char *line = NULL;
    do { /* again after a signal, which ends no line */
        line = el_gets(edit->line, &count);
    } while (line == NULL && count < 0 && errno == EINTR);
    if (edit->given_up) {
        return "";
    }
    if (line == NULL || count <= 0) {
        (void)putchar('\n');
        return NULL;
    }
    size_t bytes = strcspn(line, "\r\n");
    cd_buf_clear(&edit->text);
    cd_buf_put(&edit->text, line, bytes);
    cd_buf_put(&edit->text, "", 1);
    if (edit->text.overflowed) {
        (void)printf("the line has more than %d bytes\n", (int)LINE_BYTES_MAX);
        return "";
    }
    const char *text = (const char *)edit->text.data;
    if (text[strspn(text, " \t")] != '\0') {
        (void)history(edit->history, &event, H_ENTER, text);
    }
    return text;
}
