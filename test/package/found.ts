/** Tells the person who runs the check what was found to be so. */
export function found(what: string): void {
  console.log(`  ok  ${what}`);
}
