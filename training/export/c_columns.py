"""The part of a C file that makes features of the cells of a table, as `Encoding` does."""

from __future__ import annotations

from chainrule.data.cells import MISSING, is_number, number
from chainrule.data.encoding import Encoding
from chainrule.training.export.c_text import quoted, wrapped

PAGE = """\
/* Whether a cell says that there is no value. */
static int is_missing(const char *cell)
{{
    static const char *const words[] = {{{missing}}}; /* in small letters */
    static const char *const others[] = {{{others}}};
    static const double numbers[] = {{{numbers}}};
    char small[{length}], *end;
    size_t n = 0;

    for (; cell[n] && n < sizeof small - 1; n++)
        small[n] = (char)tolower((unsigned char)cell[n]);
    small[n] = 0;
    for (int k = 0; k < {word_count}; k++)
        if (!cell[n] && strcmp(small, words[k]) == 0 && strcmp(cell, "Na") != 0)
            return 1;
    for (int k = 0; k < {other_count}; k++)
        if (strcmp(cell, others[k]) == 0)
            return 1;
    double value = strtod(cell, &end);
    for (int k = 0; k < {number_count}; k++)
        if (*cell && !*end && value == numbers[k])
            return 1;
    return 0;
}}

/* Makes the features of a row of its cells; returns 0, or the number of the first cell that is no
   number, or that is missing where none was in training. A word that was not there in training is
   as good as none. */
int {name}_features(const char *const cells[{K}], double row[{D}])
{{
    static const char *const words[] = {{
{words}    }};
    static const int counts[{K}] = {{ /* of the words of each column, 0 where it holds numbers */
{counts}    }};
    static const double fill[] = {{
{fill}    }};
    static const int marked[] = {{{marked}}};
    const char *const *word = words;
    int missing[{K}], at = 0;

    for (int k = 0; k < {K}; k++) {{
        missing[k] = is_missing(cells[k]);
        if (missing[k] && {refuse})
            return k + 1;
        if (counts[k] == 0) {{
            char *end;
            row[at] = missing[k] ? fill[at] : strtod(cells[k], &end);
            if (!missing[k] && (*end || end == cells[k]))
                return k + 1;
            at++;
            continue;
        }}
        int known = -1;
        for (int c = 0; c < counts[k]; c++)
            if (!missing[k] && strcmp(cells[k], word[c]) == 0)
                known = c;
        for (int c = 0; c < counts[k]; c++)
            row[at + c] = known < 0 ? fill[at + c] : c == known;
        at += counts[k];
        word += counts[k];
    }}
    for (int k = 0; k < {marked_count}; k++)
        row[at + k] = missing[marked[k]];
    return 0;
}}

"""


def columns_text(encoding: Encoding | None, name: str, D: int) -> str:
    """The text of it; "" where rows are numbers as they are."""
    if encoding is None:
        return ""
    words = [word for one in encoding.categories if one is not None for word in one]
    numbers = [repr(number(cell)) for cell in encoding.na if is_number(cell)]
    counts = [f"{len(one or ())}," for one in encoding.categories]
    return PAGE.format(
        name=name,
        K=len(encoding.categories),
        D=D,
        missing=", ".join(f'"{quoted(word)}"' for word in sorted(MISSING)),
        word_count=len(MISSING),
        length=max(map(len, MISSING)) + 2,
        others=", ".join(f'"{quoted(word)}"' for word in encoding.na) or '""',
        other_count=len(encoding.na),
        numbers=", ".join(numbers) or "0",
        number_count=len(numbers),
        words=wrapped([f'"{quoted(word)}",' for word in words or [""]], "        "),
        counts=wrapped(counts, "        ", 16),
        fill=wrapped([f"{value!r}," for value in encoding.fill], "        "),
        marked=", ".join(map(str, encoding.marked)) or "0",
        marked_count=len(encoding.marked),
        refuse=int(encoding.missing == "refuse"),
    )


MAIN = """\
#ifndef SEPARATOR
#define SEPARATOR ','
#endif

/* Takes a line apart, at separators outside of double quotes; returns how many cells there are.
   Blanks around a cell, and the quotes, are taken off. */
static int split(char *line, const char *cells[{K} + 1])
{{
    char *to = line;
    int count = 0, more = 1;

    while (more && count <= {K}) {{
        while (*line == ' ')
            line++;
        char *start = to, quote = 0;
        for (; *line && (quote || (*line != SEPARATOR && !strchr("\\r\\n", *line))); line++) {{
            if (*line != '"')
                *to++ = *line;
            else if (quote && line[1] == '"')
                *to++ = *++line;
            else
                quote = !quote;
        }}
        while (to > start && to[-1] == ' ')
            to--;
        more = *line == SEPARATOR;
        line++;
        *to++ = 0;
        cells[count++] = start;
    }}
    return count;
}}

/* The next row, from cells in the lines of a file: 1, 0 at its end, -1 where a line is wrong. */
static int read_row(double row[{D}])
{{
    static char line[1 << 20];
    const char *cells[{K} + 1];

    if (!fgets(line, sizeof line, stdin))
        return 0;
    if (!strchr(line, '\\n') && !feof(stdin))
        return -1;
    return split(line, cells) == {K} && {name}_features(cells, row) == 0 ? 1 : -1;
}}
"""
