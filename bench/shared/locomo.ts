import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A turn of a conversation. */
export interface Turn {
  /** The id that questions refer to, such as `D1:3`. */
  readonly id: string;
  /** The speaker, the text, and the caption of its picture. */
  readonly text: string;
  readonly session: string;
  readonly at: Date;
}

export interface Conversation {
  readonly name: string;
  readonly turns: readonly Turn[];
  /** The questions, each with at least one turn that contains the answer. Questions that mislead have no answer. */
  readonly questions: readonly {
    readonly text: string;
    readonly evidence: readonly string[];
    readonly answer?: string;
    /** 1: several turns, 2: time, 3: common knowledge, 4: one turn, 5: a question whose premise is wrong. */
    readonly category: number;
  }[];
  /** The facts that a language model made of the turns, each with its turns, by session. They come with LoCoMo. */
  readonly observations: readonly {
    readonly session: string;
    readonly text: string;
    readonly turns: readonly string[];
  }[];
}

interface Sample {
  readonly sample_id: string;
  readonly conversation: { readonly [key: string]: unknown };
  readonly qa: readonly {
    readonly question: string;
    readonly evidence: readonly string[];
    readonly answer?: string | number;
    readonly category: number;
  }[];
  /** For `session_N_observation`, the facts about each speaker. */
  readonly observation: Readonly<Record<string, Readonly<Record<string, readonly RawObservation[]>>>>;
}

/** A fact, and the id of its turn or turns. */
type RawObservation = readonly [string, string | readonly string[]];

interface RawTurn {
  readonly speaker: string;
  readonly dia_id: string;
  readonly text: string;
  readonly blip_caption?: string;
}

/** The conversations of LoCoMo (Maharana and others, 'Evaluating Very Long-Term Conversational Memory of LLM Agents', 2024). */
export async function readLocomo(folder: string): Promise<Conversation[]> {
  const samples = JSON.parse(await readFile(join(folder, 'locomo', 'locomo10.json'), 'utf8')) as Sample[];
  return samples.map(({ sample_id: name, conversation, qa, observation }) => {
    const turns = Object.keys(conversation)
      .filter((key) => /^session_\d+$/.test(key))
      .flatMap((session) => turnsOf(conversation, session));
    const known = new Set(turns.map(({ id }) => id));
    // Some strings contain several ids, and some ids do not exist.
    const questions = qa.map(({ question, evidence, answer, category }) => ({
      ...{ text: question, category },
      evidence: [...new Set(evidence.join(' ').match(/D\d+:\d+/g) ?? [])].filter((id) => known.has(id)),
      ...(answer === undefined ? {} : { answer: String(answer) }),
    }));
    const answerable = questions.filter(({ evidence }) => evidence.length > 0);
    return { name, turns, questions: answerable, observations: observationsOf(observation, known) };
  });
}

function turnsOf(conversation: Sample['conversation'], session: string): Turn[] {
  const at = dateOf(String(conversation[`${session}_date_time`]));
  return (conversation[session] as RawTurn[]).map(({ speaker, dia_id: id, text, blip_caption: caption }) => ({
    id,
    text: `${speaker}: ${text}${caption === undefined ? '' : ` ${caption}`}`,
    session,
    at,
  }));
}

function observationsOf(observation: Sample['observation'], known: ReadonlySet<string>): Conversation['observations'] {
  return Object.entries(observation).flatMap(([key, bySpeaker]) =>
    Object.values(bySpeaker)
      .flat()
      .map(([text, turns]) => ({
        session: key.replace(/_observation$/, ''),
        text,
        turns: [...new Set(String(turns).match(/D\d+:\d+/g) ?? [])].filter((id) => known.has(id)),
      })),
  );
}

/** Reads `1:56 pm on 8 May, 2023`. */
function dateOf(text: string): Date {
  const [time, day] = text.split(' on ');
  const date = new Date(`${day} ${time} UTC`);
  if (Number.isNaN(date.getTime())) throw new Error(`Invalid time in LoCoMo: ${text}`);
  return date;
}
