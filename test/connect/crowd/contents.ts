import { MemoryStore } from 'multi-agent-memory';

/** What a store holds after a run: every text of every revision, and where it stands. */
export class Contents {
  readonly problems: readonly string[];
  /** The texts of each memory, by id, revision after revision. */
  readonly histories = new Map<string, (string | undefined)[]>();
  /** The memories that hold a text, or held it. */
  readonly #byText = new Map<string, string[]>();

  private constructor(problems: readonly string[]) {
    this.problems = problems;
  }

  static async read(folder: string): Promise<Contents> {
    await using store = await MemoryStore.open(folder);
    const { problems } = await store.verify();
    const contents = new Contents(problems.map((problem) => JSON.stringify(problem)));
    for await (const { id } of store.admin.list({ limit: 1_000, include: ['superseded'] })) {
      const history = await store.admin.history(id);
      contents.#add(
        id,
        history.map(({ memory }) => memory?.text),
      );
    }
    return contents;
  }

  /** The ids of memories with that text. */
  withText(text: string): readonly string[] {
    return this.#byText.get(text) ?? [];
  }

  #add(id: string, texts: (string | undefined)[]): void {
    this.histories.set(id, texts);
    for (const text of texts) if (text !== undefined) this.#byText.set(text, [...this.withText(text), id]);
  }
}
