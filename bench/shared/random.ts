/** Pseudo-random numbers, the same in every run. */
export interface Random {
  /** In [0, 1). */
  uniform(): number;
  /** From the normal distribution with mean 0 and deviation 1. */
  normal(): number;
  /** An integer in [0, below). */
  whole(below: number): number;
}

/** Mulberry32 (Tommy Ettinger, public domain). 32 bits of state are enough for the numbers of one memory. */
export function random(...seed: readonly number[]): Random {
  let state = seed.reduce((mixed, part) => mix(mixed ^ mix(part + 0x9e3779b9)), 0x2545f491);
  let spare: number | undefined;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    return mix(state) / 2 ** 32;
  };
  return {
    uniform,
    whole: (below) => Math.floor(uniform() * below),
    normal() {
      // The Box-Muller transform ('A Note on the Generation of Random Normal Deviates', 1958), which makes two numbers at a time.
      if (spare !== undefined) {
        const kept = spare;
        spare = undefined;
        return kept;
      }
      const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
      const angle = 2 * Math.PI * uniform();
      spare = radius * Math.sin(angle);
      return radius * Math.cos(angle);
    },
  };
}

function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 15), 1 | value);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return (mixed ^ (mixed >>> 14)) >>> 0;
}
