import { readFile } from 'node:fs/promises';

/** One line of a chat. */
export interface Turn {
  speaker: string;
  text: string;
  /** ISO 8601 with a zone, as the file has it. */
  time: string;
  session: string;
  /** Where it stands in its file, from 1. */
  line: number;
}

/** Everything that is wrong with a file, a line of text each. */
export class TranscriptError extends Error {
  override readonly name = 'TranscriptError';
}

const isoWithZone = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})$/;

/**
 * Reads a chat of JSON Lines: one object a line with `speaker`, `text`, `time` and `session`; more fields may be present and
 * are handed to `more`. A byte order mark, CRLF and blank lines are no problem. Throws a TranscriptError that names every bad line.
 */
export async function readTranscript<More = object>(
  file: string,
  more: (fields: Record<string, unknown>) => More = () => ({}) as More,
): Promise<(Turn & More)[]> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    const reason = cause.code === 'ENOENT' ? 'there is no such file' : cause.message;
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
  if (turns.length === 0) throw new TranscriptError(`${file} holds no turns: give one JSON object a line.`);
  return turns;
}

function summary(file: string, problems: readonly string[]): string {
  const count = problems.length === 1 ? '1 bad line' : `${problems.length} bad lines`;
  return `${file} has ${count}. Nothing was stored.\n${problems.map((problem) => `  ${problem}`).join('\n')}`;
}

/** The fields of one line, or what is wrong with it. */
function parse(content: string): Record<string, unknown> | string {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch {
    return 'not a whole JSON object; each turn stands on one line of its own.';
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'not a JSON object.';
  const fields = value as Record<string, unknown>;
  const wrong = ['speaker', 'text', 'time', 'session'].flatMap((name) => {
    const field = fields[name];
    if (field === undefined) return [`${name} is missing`];
    if (typeof field !== 'string' || field.trim() === '') return [`${name} must be a string that is not empty`];
    if (name !== 'time' || (isoWithZone.test(field) && !Number.isNaN(Date.parse(field)))) return [];
    return [
      `time must be ISO 8601 with a zone, such as 2025-03-03T09:12:20+01:00, and is ${JSON.stringify(field.slice(0, 40))}`,
    ];
  });
  return wrong.length > 0 ? `${wrong.join('; ')}.` : fields;
}
