import type { Hit } from 'multi-agent-memory';
import { pad, printable, type Screen, wrap } from '../screen';

// The shop's time zone, so that the output is the same in every time zone.
const shopTime = new Intl.DateTimeFormat('en-GB', {
  weekday: 'short',
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  timeZone: 'Europe/Berlin',
});

/** A time in the shop's time zone: `Mon 3 Mar, 09:12`. */
export function shopTimeOf(time: Date): string {
  const parts = Object.fromEntries(shopTime.formatToParts(time).map(({ type, value }) => [type, value]));
  return `${parts.weekday} ${parts.day} ${parts.month}, ${parts.hour}:${parts.minute}`;
}

/** A duration: `1.84 ms`. */
export function duration(ms: number): string {
  return `${ms.toFixed(ms < 10 ? 2 : ms < 100 ? 1 : 0)} ms`;
}

/** Prints one hit: rank, score, kind, author, time, session and text. Marks the expected answer. */
export function printHit(screen: Screen, rank: number, hit: Hit, isAnswer: boolean): void {
  const kind = hit.kind === 'episodic' ? 'turn' : 'note';
  const columns = [
    `${rank}`,
    hit.score.toFixed(3),
    pad(kind, 4),
    pad(`by ${hit.agentId}`, 20),
    pad(shopTimeOf(hit.validFrom), 17),
    `${hit.sessionId ?? ''}`,
  ].join('  ');
  screen.print(`  ${isAnswer ? screen.style('green', '✔') : ' '} ${screen.style('dim', columns)}`);
  for (const line of wrap(printable(hit.text), screen.width - 7)) {
    screen.print(`       ${isAnswer ? screen.style('bold', line) : line}`);
  }
}
