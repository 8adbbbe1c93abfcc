import { beforeEach, expect, type RunnerTask, test } from 'vitest';

/**
 * Skips tests that do not hold for a connected store.
 *
 * @param exceptions The reason for each title. Fails if the test file has no test with that title.
 */
export function skipExceptions(exceptions: Readonly<Record<string, string>>): void {
  beforeEach(({ task, skip }) => {
    const reason = exceptions[task.name];
    if (reason !== undefined) skip(reason);
  });

  test('each exception has the title of a test', ({ task }) => {
    const titles = new Set(titlesOf(task.file.tasks));
    expect(Object.keys(exceptions).filter((title) => !titles.has(title))).toEqual([]);
  });
}

function titlesOf(tasks: readonly RunnerTask[]): string[] {
  return tasks.flatMap((task) => (task.type === 'suite' ? titlesOf(task.tasks) : [task.name]));
}
