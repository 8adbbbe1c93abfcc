import type { BrokenLibraries } from './broken-library';
import { detect, type Notice } from './detect';
import type { Mistake } from './mistake';
import { noFilter } from './reading-mistakes';

/** Makes a mistake in a copy of the library, and answers with who noticed. */
export async function plant(
  libraries: BrokenLibraries,
  { edits }: Mistake,
  how: { seed: number; first: boolean },
): Promise<Notice[]> {
  const library = await libraries.load(edits);
  // Two edits of one fragment do not go together.
  const isApart = edits.every(({ file }) => noFilter.edits.every((each) => each.file !== file));
  const unfiltered = () => libraries.load([...edits, ...noFilter.edits]);
  return detect(isApart ? { library, unfiltered } : { library }, how);
}
