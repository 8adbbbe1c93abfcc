import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { miniLmSource } from '../../local-models/minilm';
import type { ModelFiles } from '../../local-models/model-files';
import { embedWithTeacher, teacherDimensions } from './teacher';
import type { TokenizedTexts } from './tokenized-texts';

/** The number of texts in one portion. A portion is at most a minute of work, so that an interrupted build loses little. */
const portion = 20_000;

/**
 * Returns the teacher's vectors of the texts, row by row. If a folder is given, each portion is stored there under a hash of its
 * tokens, and the next build reuses it.
 */
export async function taughtVectors(
  files: ModelFiles,
  texts: TokenizedTexts,
  folder: string | undefined,
  say: (text: string) => void,
): Promise<Float32Array> {
  const count = texts.starts.length - 1;
  const vectors = new Float32Array(count * teacherDimensions);
  for (let first = 0; first < count; first += portion) {
    const some = slice(texts, first, Math.min(count, first + portion));
    vectors.set(await portionOf(files, some, folder), first * teacherDimensions);
    say(`the teacher has read ${Math.min(count, first + portion)} of ${count} texts`);
  }
  return vectors;
}

async function portionOf(files: ModelFiles, texts: TokenizedTexts, folder: string | undefined): Promise<Float32Array> {
  if (folder === undefined) return embedWithTeacher(files, texts);
  const content = createHash('sha256').update(miniLmSource.sha256).update(texts.tokens).update(texts.starts);
  const path = join(folder, `${content.digest('hex').slice(0, 32)}.f32`);
  if (existsSync(path)) return new Float32Array(new Uint8Array(await readFile(path)).buffer);
  const vectors = await embedWithTeacher(files, texts);
  await mkdir(folder, { recursive: true });
  // A rename is atomic, so a portion in the folder is always complete.
  await writeFile(`${path}.part`, vectors);
  await rename(`${path}.part`, path);
  return vectors;
}

function slice({ tokens, starts }: TokenizedTexts, first: number, end: number): TokenizedTexts {
  const from = starts[first]!;
  return {
    tokens: tokens.slice(from, starts[end]!),
    starts: starts.slice(first, end + 1).map((start) => start - from),
  };
}
