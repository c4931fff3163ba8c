/* SPDX-License-Identifier: MIT
 *
 * Arm's MPS2 board with a Cortex-M4 (AN386), as qemu-system-arm emulates it: what happens before
 * main, and semihosting to say something and to end.
 */
#include "board.h"

#include <stdint.h>
#include <string.h>

/* Of the linker script. */
extern uint32_t stack_top[], data_start[], data_end[], data_load[], bss_start[], bss_end[];

enum { SYS_WRITE0 = 0x04, SYS_EXIT_EXTENDED = 0x20, APPLICATION_EXIT = 0x20026 };

static void semihosting(uint32_t operation, const void *argument)
{
    register uint32_t number __asm__("r0") = operation;
    register const void *pointer __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(number) : "r"(pointer) : "memory");
}

void board_say(const char *text)
{
    semihosting(SYS_WRITE0, text);
}

void board_end(int status)
{
    const uint32_t block[2] = {APPLICATION_EXIT, (uint32_t)status};
    semihosting(SYS_EXIT_EXTENDED, block);
    for (;;) {
    }
}

void board_reset(void);
void board_reset(void)
{
    memcpy(data_start, data_load, (size_t)((char *)data_end - (char *)data_start));
    memset(bss_start, 0, (size_t)((char *)bss_end - (char *)bss_start));
    board_end(smoke());
}

static void board_fault(void)
{
    board_say("tiny: the processor reports a fault\n");
    board_end(1);
}

__attribute__((used, section(".vectors"))) static void (*const vectors[15])(void) = {
    [0] = board_reset, [1] = board_fault, [2] = board_fault,
    [3] = board_fault, [4] = board_fault, [5] = board_fault,
};
