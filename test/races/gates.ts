import { builtInEmbedder, type Embedder } from 'multi-agent-memory';

/** Gates that hold calls while their texts are embedded. At this time a call was already allowed but not applied yet. */
export class Gates {
  readonly #held = new Map<string, { readonly passed: Promise<void>; open(): void }>();
  readonly #reached = new Set<string>();

  /** Closes a gate that holds every text with this word. */
  close(word: string): void {
    let open = () => {};
    const passed = new Promise<void>((resolve) => {
      open = resolve;
    });
    this.#held.set(word, { passed, open });
  }

  open(word: string): void {
    this.#held.get(word)?.open();
    this.#held.delete(word);
  }

  /** Checks whether a call is waiting at the gate for this word. */
  isHeld(word: string): boolean {
    return this.#held.has(word) && this.#reached.has(word);
  }

  openAll(): void {
    for (const word of [...this.#held.keys()]) this.open(word);
  }

  /** Returns the built-in embedder behind these gates. */
  embedder(): Embedder {
    const { space, maxTokens, embedDocuments, embedQuery } = builtInEmbedder();
    return {
      space,
      maxTokens,
      embedDocuments: async (texts, call) => {
        await Promise.all(texts.map((text) => this.#pass(text)));
        return embedDocuments(texts, call);
      },
      embedQuery: async (text, call) => {
        await this.#pass(text);
        return embedQuery(text, call);
      },
    };
  }

  async #pass(text: string): Promise<void> {
    for (const word of text.split(' ')) {
      const gate = this.#held.get(word);
      if (gate === undefined) continue;
      this.#reached.add(word);
      await gate.passed;
    }
  }
}
