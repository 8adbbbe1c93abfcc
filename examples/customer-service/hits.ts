import type { Hit } from 'multi-agent-memory';
import { pad, printable, type Screen, wrap } from '../screen';

// The shop's own clock on the wall, so that the week reads the same wherever the program runs.
const shopTime = new Intl.DateTimeFormat('en-GB', {
  weekday: 'short',
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  timeZone: 'Europe/Berlin',
});

/** A moment as the shop's people say it: `Mon 3 Mar, 09:12`. */
export function when(time: Date): string {
  const parts = Object.fromEntries(shopTime.formatToParts(time).map(({ type, value }) => [type, value]));
  return `${parts.weekday} ${parts.day} ${parts.month}, ${parts.hour}:${parts.minute}`;
}

/** How long a call took: `1.84 ms`. */
export function took(ms: number): string {
  return `${ms.toFixed(ms < 10 ? 2 : ms < 100 ? 1 : 0)} ms`;
}

/** One hit: rank, score, what it is, who wrote it, when, and its text. The one that holds the answer is marked. */
export function printHit(screen: Screen, rank: number, hit: Hit, isAnswer: boolean): void {
  const kind = hit.kind === 'episodic' ? 'turn' : 'note';
  const columns = [
    `${rank}`,
    hit.score.toFixed(3),
    pad(kind, 4),
    pad(`by ${hit.agentId}`, 20),
    pad(when(hit.validFrom), 17),
    `${hit.sessionId ?? ''}`,
  ].join('  ');
  screen.print(`  ${isAnswer ? screen.style('green', '✔') : ' '} ${screen.style('dim', columns)}`);
  for (const line of wrap(printable(hit.text), screen.width - 7)) {
    screen.print(`       ${isAnswer ? screen.style('bold', line) : line}`);
  }
}
