import { readFile } from 'node:fs/promises';

/** One line of a chat. */
export interface Turn {
  speaker: string;
  text: string;
  /** ISO 8601 with a zone, as in the file. */
  time: string;
  session: string;
  /** The line in the file, from 1. */
  line: number;
}

/** An invalid file. The message lists every problem, one on each line. */
export class TranscriptError extends Error {
  override readonly name = 'TranscriptError';
}

const isoWithZone = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})$/;

/**
 * Reads a chat in JSON Lines: one object on each line with `speaker`, `text`, `time` and `session`. `more` can read additional fields.
 * A byte order mark, CRLF and blank lines are allowed.
 *
 * @throws TranscriptError that lists every invalid line
 */
export async function readTranscript<More = object>(
  file: string,
  more: (fields: Record<string, unknown>) => More = () => ({}) as More,
): Promise<(Turn & More)[]> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    const reason = cause.code === 'ENOENT' ? 'the file does not exist' : cause.message;
    throw new TranscriptError(`Cannot read ${file}: ${reason}.`, { cause });
  });
  const turns: (Turn & More)[] = [];
  const problems: string[] = [];
  for (const [index, content] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    if (content.trim() === '') continue;
    const parsed = parse(content);
    if (typeof parsed === 'string') problems.push(`line ${index + 1}: ${parsed}`);
    else turns.push({ ...(parsed as unknown as Turn), ...more(parsed), line: index + 1 });
  }
  if (problems.length > 0) throw new TranscriptError(summary(file, problems));
  if (turns.length === 0) throw new TranscriptError(`${file} has no turns. Write one JSON object on each line.`);
  return turns;
}

function summary(file: string, problems: readonly string[]): string {
  const count = problems.length === 1 ? '1 invalid line' : `${problems.length} invalid lines`;
  return `${file} has ${count}. Nothing was stored.\n${problems.map((problem) => `  ${problem}`).join('\n')}`;
}

/** The fields of one line, or its problem. */
function parse(content: string): Record<string, unknown> | string {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch {
    return 'not a complete JSON object. Write each turn on one line.';
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'not a JSON object.';
  const fields = value as Record<string, unknown>;
  const wrong = ['speaker', 'text', 'time', 'session'].flatMap((name) => {
    const field = fields[name];
    if (field === undefined) return [`${name} is missing`];
    if (typeof field !== 'string' || field.trim() === '') return [`${name}: expected a string that is not empty`];
    if (name !== 'time' || (isoWithZone.test(field) && !Number.isNaN(Date.parse(field)))) return [];
    return [
      `time: expected ISO 8601 with a zone, such as 2025-03-03T09:12:20+01:00, got ${JSON.stringify(field.slice(0, 40))}`,
    ];
  });
  return wrong.length > 0 ? `${wrong.join('; ')}.` : fields;
}
