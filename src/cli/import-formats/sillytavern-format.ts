import { defined } from '../../domain/defined';
import type { LineContent } from '../json-lines';
import { type ChatMessage, chatFormat } from './chat-format';
import {
  epochMillisecondsTime,
  fileTitle,
  type ImportFormat,
  type ImportTarget,
  isJsonObject,
  isoTime,
  type JsonObject,
  textField,
} from './import-format';

/** A chat of SillyTavern: JSON Lines, the first of which is a header. A file is a session, named like the file. */
export function sillytavernFormat(target: ImportTarget): ImportFormat {
  return chatFormat(
    { name: 'sillytavern', split: (value, file) => [message(value, target.sessionId ?? fileTitle(file))] },
    target,
  );
}

function message(value: unknown, sessionId: string | undefined): LineContent {
  if (isJsonObject(value) && !('mes' in value) && ('user_name' in value || 'chat_metadata' in value))
    return { skipped: 'headers' };
  if (!isJsonObject(value) || typeof value.mes !== 'string')
    return { problem: 'not a message of SillyTavern: expected an object with "name" and "mes".' };
  const text = value.mes.trim();
  if (value.is_system === true) return { skipped: 'system messages' };
  if (text === '') return { skipped: 'messages without text' };
  const [speaker, role] = [textField(value, 'name'), value.is_user === true ? 'user' : 'assistant'];
  const said = speaker === undefined ? text : `${speaker}: ${text}`;
  return {
    value: { text: said, sessionId, sentAt: sentAt(value), metadata: defined({ role, speaker }) } satisfies ChatMessage,
  };
}

const months = [
  'january',
  'february',
  'march',
  'april',
  'may',
  'june',
  'july',
  'august',
  'september',
  'october',
  'november',
  'december',
];

/** The time of a message, in UTC because the file has no time zone. SillyTavern has written times in four ways. */
function sentAt({ send_date: date }: JsonObject): string | undefined {
  if (typeof date === 'number') return epochMillisecondsTime(date);
  if (typeof date !== 'string') return undefined;
  if (/^\d{4}-\d\d-\d\dT/.test(date)) return isoTime(date);
  const stamp = /^(\d{4})-(\d\d?)-(\d\d?) ?@(\d\d?)h ?(\d\d?)m(?: ?(\d\d?)s)?/.exec(date);
  if (stamp !== null) {
    const [year, month, day, hour, minute, second = 0] = stamp.slice(1).map(Number);
    return utc(year, month, day, hour, minute, second);
  }
  const words = /^(\p{L}+) (\d\d?), (\d{4}) (\d\d?):(\d\d) ?([ap])m$/iu.exec(date);
  if (words === null) return undefined;
  const [, name = '', day, year, hour, minute, half = ''] = words;
  const month = months.indexOf(name.toLowerCase()) + 1;
  return month === 0 ? undefined : utc(Number(year), month, Number(day), hourOf(Number(hour), half), Number(minute), 0);
}

/** The hour of a day from 0 to 23, for an hour of a clock with two halves. */
export function hourOf(hour: number, half: string): number {
  return (hour % 12) + (half.toLowerCase() === 'p' ? 12 : 0);
}

/** A time in UTC as ISO 8601; undefined if there is no such day or time. */
export function utc(year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0): string | undefined {
  const time = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  const isSame =
    time.getUTCMonth() === month - 1 && time.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
  return isSame ? time.toISOString() : undefined;
}
