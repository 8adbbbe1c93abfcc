import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { quantile } from './shared/figures';
import { type Question, samples } from './shared/question';
import { row } from './shared/row';
import { Searching } from './shared/searching';
import { copyOfLoaded, openStore } from './shared/store';
import { calm, milliseconds } from './shared/timing';
import { Vectors } from './shared/vectors';

/** Searches while the index of all vectors is built again, as after an import, against searches of the idle store. */
export const indexBuild: Question = {
  name: 'index-build',
  asks: 'How much slower are searches while the store builds the index of all vectors?',
  async run(setting) {
    const folder = await copyOfLoaded(setting);
    await rm(join(folder, 'index'), { recursive: true, force: true });
    // The default of 20,000 for the full size. Below it a store builds no index.
    const store = await openStore(folder, { exactUpTo: Math.max(1, Math.round(setting.memories / 5)) });
    const searching = new Searching(store.as({ agentId: 'agent' }), new Vectors(setting.memories));
    let buildMs = 0;
    const build = milliseconds(() => store.settled()).then((ms) => {
      buildMs = ms;
    });
    const meanwhile = await searching.during(build);
    await searching.during(searching.some(samples(setting, 100)));
    await calm();
    const idle = await searching.during(searching.some(samples(setting, 600)));
    await store.close();
    const rows = (['hybrid', 'semantic'] as const).flatMap((mode) =>
      ([95, 50] as const).map((percent) =>
        row({
          name: `index-build, ${mode} search meanwhile, ${percent === 95 ? 'p95' : 'median'}`,
          value: quantile(meanwhile[mode], percent / 100),
          baseline: quantile(idle[mode], percent / 100),
          unit: 'ms',
          ...(percent === 95 ? { goal: { ratioAtMost: 1.5 } } : {}),
        }),
      ),
    );
    return [row({ name: 'index-build', value: buildMs / 1_000, unit: 's' }), ...rows];
  },
};
