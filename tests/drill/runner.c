/* SPDX-License-Identifier: MIT
 *
 * Runs scripts: `drill-runner [OPTION...] FILE|FOLDER...`.
 */
#include "drill.h"

int main(int argc, char **argv)
{
    return cli_drill(argc, argv);
}
