/* count PROGRAM WORD ...: runs a program and prints how many instructions it executes between its first and its second
 * SIGUSR1, by stepping through them one at a time (ptrace(2)). Needs no counter of the processor and no other program,
 * and gives the same number on every run. Exit codes: 0 counted, 77 this machine does not let us step, 1 anything else. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static int stopped_by(pid_t child, int *status) {
    if (waitpid(child, status, 0) < 0 || !WIFSTOPPED(*status)) return 0;
    return WSTOPSIG(*status);
}

int main(int argc, char **argv) {
    if (argc < 2) return 1;
    pid_t child = fork();
    if (child < 0) return 1;
    if (child == 0) {
        /* The same addresses on every run. */
        personality(ADDR_NO_RANDOMIZE);
        if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0) _exit(77);
        execv(argv[1], argv + 1);
        _exit(1);
    }
    int status, signal = stopped_by(child, &status);
    if (signal != SIGTRAP) return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    for (signal = 0; signal != SIGUSR1;) {
        if (ptrace(PTRACE_CONT, child, 0, signal == SIGTRAP ? 0 : signal) < 0) return 1;
        signal = stopped_by(child, &status);
        if (!signal) return 1;
    }
    unsigned long steps = 0;
    for (;;) {
        if (ptrace(PTRACE_SINGLESTEP, child, 0, 0) < 0) return steps ? 1 : 77;
        signal = stopped_by(child, &status);
        if (signal == SIGUSR1) break;
        if (signal != SIGTRAP) return 1;
        steps++;
    }
    printf("%lu\n", steps);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    return 0;
}
