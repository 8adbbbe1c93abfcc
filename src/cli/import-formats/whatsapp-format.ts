import type { JsonLine, LineContent } from '../json-lines';
import { type ChatMessage, chatFormat } from './chat-format';
import { type DateOrder, fileTitle, type ImportFormat, type ImportTarget } from './import-format';
import { readText } from './json-document';
import { hourOf, utc } from './sillytavern-format';

// "21/02/2024, 16:07 - Anna: Hello" on Android, "[21.02.24, 16:07:12] Anna: Hello" on an iPhone, with signs for the direction of text.
const start =
  /^\[?(?<a>\d{1,4})[./-](?<b>\d\d?)[./-](?<c>\d{2,4}),? (?<hour>\d\d?)[:.](?<minute>\d\d)(?:[:.](?<second>\d\d))?(?: ?(?<half>[ap])\.?\s?m\.?)?(?:\] | - )(?<rest>.*)$/iu;
const directionSigns = /[\u200e\u200f\u202a-\u202e]/gu;
const placeholder = /^<.*omitted>$|^(image|video|audio|sticker|GIF|document|Contact card) omitted$|^null$/iu;

interface Entry {
  readonly number: number;
  /** The three numbers of the date, in the order of the file. */
  readonly date: readonly [number, number, number];
  readonly time: readonly [hour: number, minute: number, second: number];
  text: string;
}

/** The text file of "Export chat" of WhatsApp. A file is a session, named like the file. */
export function whatsappFormat(target: ImportTarget): ImportFormat {
  const { parse } = chatFormat({ name: 'whatsapp', split: () => [] }, target);
  return { readDocument: (pieces, file) => readChat(pieces, target, file), parse };
}

async function* readChat(
  pieces: AsyncIterable<Uint8Array | string>,
  { sessionId, dateOrder }: ImportTarget,
  file: string | undefined,
): AsyncGenerator<JsonLine> {
  const text = await readText(pieces);
  if (text === undefined) return yield { number: 0, problem: 'invalid UTF-8.' };
  const { entries, strayLines } = entriesOf(text);
  for (const number of strayLines)
    yield {
      number,
      problem: 'not a message of WhatsApp: expected a date and a time, such as "21/02/2024, 16:07 - Anna: Hello".',
    };
  const order = dateOrder ?? orderOf(entries);
  if (order === undefined && entries.length > 0)
    yield {
      number: 0,
      problem: 'no date says whether the day or the month comes first. Set --date-order=day or --date-order=month.',
    };
  else
    for (const entry of entries)
      yield { number: entry.number, ...message(entry, order ?? 'day', sessionId ?? fileTitle(file)) };
}

/** The messages of a chat. A line without date belongs to the message before it. */
function entriesOf(text: string): { entries: Entry[]; strayLines: number[] } {
  const entries: Entry[] = [];
  const strayLines: number[] = [];
  for (const [i, given] of text.split(/\r?\n/).entries()) {
    // A narrow space separates the halves of the day in newer versions.
    const line = given.replace(directionSigns, '').replace(/[\u202f\u00a0]/gu, ' ');
    const { a, b, c, hour, minute, second, half, rest } = start.exec(line)?.groups ?? {};
    const last = entries.at(-1);
    if (rest !== undefined) {
      const hours = half === undefined ? Number(hour) : hourOf(Number(hour), half);
      const time = [hours, Number(minute), Number(second ?? 0)] as const;
      entries.push({ number: i + 1, date: [Number(a), Number(b), Number(c)], time, text: rest });
    } else if (last !== undefined) last.text += `\n${line}`;
    else if (line.trim() !== '') strayLines.push(i + 1);
  }
  return { entries, strayLines };
}

/** The order of the dates: 'year' first if they say so; else the one that makes each of them a date; undefined if both do. */
function orderOf(entries: readonly Entry[]): DateOrder | 'year' | undefined {
  if (entries.some(({ date: [first] }) => first > 31)) return 'year';
  if (entries.some(({ date: [first] }) => first > 12)) return 'day';
  return entries.some(({ date: [, second] }) => second > 12) ? 'month' : undefined;
}

function message(
  { date: [a, b, c], time, text }: Entry,
  order: DateOrder | 'year',
  sessionId: string | undefined,
): LineContent {
  const [speaker, said] = splitOnce(text, ': ');
  if (said === undefined) return { skipped: 'system messages' };
  if (said.trim() === '') return { skipped: 'messages without text' };
  if (placeholder.test(said.trim())) return { skipped: 'media' };
  const [year, month, day] = order === 'year' ? [a, b, c] : order === 'day' ? [c, b, a] : [c, a, b];
  const sentAt = utc(year < 100 ? 2000 + year : year, month, day, ...time);
  if (sentAt === undefined) return { problem: 'the date does not exist. Set --date-order=day or --date-order=month.' };
  return {
    value: { text: `${speaker}: ${said.trim()}`, sessionId, sentAt, metadata: { speaker } } satisfies ChatMessage,
  };
}

function splitOnce(text: string, separator: string): readonly [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}
