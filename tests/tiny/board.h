/* SPDX-License-Identifier: MIT
 *
 * What the smoke test wants of whatever it runs on.
 */
#ifndef BOARD_H
#define BOARD_H

void board_say(const char *text);
/* The program's result is `status`. */
_Noreturn void board_end(int status);
int smoke(void);

#endif
