/** Embeds some texts. */
export type Embed = (texts: readonly string[]) => Promise<unknown>;

/** The pipeline of transformers.js, as its documentation uses it. */
export async function pipelineOf(models: string, model: string): Promise<Embed> {
  const { env, pipeline } = await import('@xenova/transformers');
  env.localModelPath = models;
  env.allowRemoteModels = false;
  const extract = await pipeline('feature-extraction', model, { quantized: true });
  return (texts) => extract([...texts], { pooling: 'mean', normalize: true });
}

/** Embeds each text in its own call, one after the other. */
export async function oneByOne(embed: Embed, texts: readonly string[]): Promise<void> {
  for (const text of texts) await embed([text]);
}
