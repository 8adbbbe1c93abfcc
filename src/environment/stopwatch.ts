/** Milliseconds since the stopwatch was started. For figures shown to people; nothing is decided by it. */
export function startStopwatch(): () => number {
  const started = performance.now();
  return () => performance.now() - started;
}
