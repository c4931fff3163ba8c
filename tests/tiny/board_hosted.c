/* SPDX-License-Identifier: MIT
 *
 * A machine with a C library.
 */
#include "board.h"

#include <stdio.h>
#include <stdlib.h>

void board_say(const char *text)
{
    fputs(text, stdout);
}

void board_end(int status)
{
    exit(status);
}

int main(void)
{
    return smoke();
}
