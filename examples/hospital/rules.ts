import { allow, clear, type Declaration, deny, group, role } from 'multi-agent-memory';

/** The people and programs of the hospital. The host identifies them when they log in. */
export const people = {
  okafor: { userId: 'dr-okafor' },
  lindqvist: { userId: 'dr-lindqvist' },
  mori: { userId: 'trainee-mori' },
  vance: { userId: 'researcher-vance' },
  adler: { userId: 'compliance-adler' },
  cardioAssistant: { agentId: 'cardio-assistant' },
  psychAssistant: { agentId: 'psych-assistant' },
  deIdentifier: { serviceId: 'de-identifier' },
  companion: { agentId: 'companion' },
} as const;

export const cardiology = ['hospital', 'cardiology'];
export const psychiatry = ['hospital', 'psychiatry'];
export const research = ['research'];
export const letters = (patient: string) => ['letters', patient];

/** All access rules of this hospital. */
export const rules: Declaration[] = [
  // A care team may read, write and correct the notes of its ward.
  role('clinician', ['read', 'write', 'update']),
  group('cardiology-team', [people.okafor, people.cardioAssistant]),
  group('psychiatry-team', [people.lindqvist, people.psychAssistant]),
  allow({ group: 'cardiology-team' }, 'clinician', cardiology),
  allow({ group: 'psychiatry-team' }, 'clinician', psychiatry),

  // Psychotherapy notes have an access tag. Only a person with the clearance can read them.
  clear(people.lindqvist, 'psychotherapy', psychiatry),

  // Trainees may read on every ward except psychiatry.
  group('trainees', [people.mori]),
  allow({ group: 'trainees' }, 'reader', ['hospital']),
  deny({ group: 'trainees' }, ['read'], psychiatry),

  // Researchers may read only what the de-identifier writes for them. The de-identifier itself may not read it.
  allow(people.deIdentifier, ['read'], cardiology),
  allow(people.deIdentifier, ['write'], research),
  allow(people.vance, 'reader', research),

  // Doctors may write letters to patients. A patient, and the agent that acts for the patient, may read only that patient's letters.
  allow({ group: 'cardiology-team' }, ['write'], ['letters']),
  allow({ userId: 'patient-17' }, 'reader', letters('patient-17')),
  allow({ userId: 'patient-23' }, 'reader', letters('patient-23')),
  allow(people.companion, 'reader', ['letters']),

  // The compliance officer may read the audit log, and no notes.
  allow(people.adler, 'auditor', []),
];
