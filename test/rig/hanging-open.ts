import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const SOURCE = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>
#define WRAP(NAME) \\
int NAME(const char *path, int flags, ...) { \\
  static int (*next)(const char *, int, ...); \\
  va_list list; va_start(list, flags); mode_t mode = va_arg(list, mode_t); va_end(list); \\
  if (!next) next = dlsym(RTLD_NEXT, #NAME); \\
  if (path && strcmp(path, "@PATH@") == 0) for (;;) pause(); \\
  return next(path, flags, mode); \\
}
WRAP(open)
WRAP(open64)
`;

/**
 * Makes a library, for LD_PRELOAD, in which open() of one path blocks for ever, as the driver of a broken adapter does.
 * Null where there is no compiler.
 */
export function hangingOpen(folder: string, path: string): string | null {
  const [source, library] = [join(folder, "hang.c"), join(folder, "hang.so")];
  writeFileSync(source, SOURCE.replace("@PATH@", path));
  return spawnSync("gcc", ["-shared", "-fPIC", "-o", library, source, "-ldl"]).status === 0 ? library : null;
}
