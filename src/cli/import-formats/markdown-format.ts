import { createHash } from 'node:crypto';
import { defined } from '../../domain/defined';
import type { NewMemory } from '../../index';
import type { JsonLine } from '../json-lines';
import { contentKey, type ImportFormat, type ImportTarget } from './import-format';
import { readText } from './json-document';

/** A section of a Markdown file: the lines after a heading, up to the next heading. */
interface Section {
  /** The number of its first line. */
  readonly number: number;
  /** The file, and the headings above it with its own. */
  readonly path: readonly string[];
  readonly file: string | undefined;
  readonly lines: string[];
}

// The store's limit for a key is 512 bytes.
const maxKeyBytes = 400;

/**
 * Markdown files with notes, such as `MEMORY.md`, `memory/*.md` and `AGENTS.md`. Each section is a memory whose key is its path, so
 * importing a changed file revises the sections that have changed.
 */
export function markdownFormat({ namespace = ['markdown'] }: ImportTarget): ImportFormat {
  const takenKeys = new Set<string>();
  return {
    readDocument: readSections,
    parse: (value) => {
      const { path, file, lines } = value as Section;
      const text = [path.join(' > '), ...lines].join('\n').trim();
      const key = freeKey([file ?? '', ...path].join('#'), takenKeys);
      return {
        text,
        namespace,
        key,
        kind: 'semantic',
        source: { channel: 'import', ref: 'markdown' },
        metadata: defined({ file, headings: [...path] }),
        idempotencyKey: contentKey('markdown', namespace, key, text),
      } satisfies NewMemory;
    },
  };
}

/** The key, with a number if another section of the same path has it already. */
function freeKey(path: string, taken: Set<string>): string {
  const isLong = Buffer.byteLength(path) > maxKeyBytes;
  const base = isLong ? createHash('sha256').update(path).digest('hex') : path;
  let key = base;
  for (let n = 2; taken.has(key); n++) key = `${base}#${n}`;
  taken.add(key);
  return key;
}

async function* readSections(pieces: AsyncIterable<Uint8Array | string>, file?: string): AsyncGenerator<JsonLine> {
  const text = await readText(pieces);
  if (text === undefined) return yield { number: 0, problem: 'invalid UTF-8.' };
  for (const section of sectionsOf(text, file)) {
    const isEmpty = section.lines.every((line) => line.trim() === '');
    yield { number: section.number, ...(isEmpty ? { skipped: 'headings without text' } : { value: section }) };
  }
}

function sectionsOf(text: string, file: string | undefined): Section[] {
  const sections: Section[] = [{ number: 1, path: [], file, lines: [] }];
  let headings: readonly { readonly level: number; readonly title: string }[] = [];
  let fence: string | undefined;
  const lines = text.split(/\r?\n/);
  for (const [i, line] of lines.entries()) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence === undefined) fence = mark;
    else if (mark?.startsWith(fence) && line.trim() === mark) fence = undefined;
    const heading = fence === undefined ? /^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$/.exec(line) : null;
    if (heading === null) sections.at(-1)?.lines.push(line);
    else {
      const [, { length: level } = '', title = ''] = heading;
      headings = [...headings.filter((each) => each.level < level), { level, title }];
      sections.push({ number: i + 1, path: headings.map((each) => each.title), file, lines: [] });
    }
  }
  const [first] = sections;
  // A file that starts with a heading has no text before it.
  return first?.lines.every((line) => line.trim() === '') ? sections.slice(1) : sections;
}
