import { execFileSync } from 'node:child_process';

/**
 * Runs npm in a folder and returns its standard output. Throws with its standard error if it fails.
 *
 * Takes the program of npm that started this process: on Windows the command `npm` is a batch file, which cannot be started
 * without a shell.
 */
export function npm(cwd: string, argv: readonly string[], input = ''): string {
  const program = process.env.npm_execpath;
  const [command, first] = program === undefined ? ['npm', []] : [process.execPath, [program]];
  return execFileSync(command, [...first, ...argv], {
    cwd,
    input,
    encoding: 'utf8',
    stdio: 'pipe',
    timeout: 15 * 60_000,
    // The output of the build, where npm packs.
    maxBuffer: 64 * 2 ** 20,
  });
}
