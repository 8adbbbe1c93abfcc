import { median } from './shared/figures';
import { type Question, samples } from './shared/question';
import { row } from './shared/row';
import { runScript } from './shared/script';
import { copyOfLoaded } from './shared/store';

/** The measurements of a process that opens the store: milliseconds from the call of `open`, after all imports. */
export interface Opened {
  readonly openMs: number;
  readonly answerMs: number;
}

/** Opening after a clean close, each time in a new process. The operating system has the files in its cache. */
export const opening: Question = {
  name: 'open',
  asks: 'How long does a new process need to open the store after a clean close, and to its first answer?',
  async run(setting) {
    const folder = await copyOfLoaded(setting);
    const opened: Opened[] = [];
    for (let i = samples(setting, 5, 1); i > 0; i--) {
      opened.push(await runScript<Opened>(new URL('open-process.ts', import.meta.url), [folder, setting.memories]));
    }
    const figure = (name: string, of: (one: Opened) => number) =>
      row({ name, value: median(opened.map(of)), unit: 'ms', goal: { atMost: 1_000 } });
    return [figure('open', ({ openMs }) => openMs), figure('open and first answer', ({ answerMs }) => answerMs)];
  },
};
