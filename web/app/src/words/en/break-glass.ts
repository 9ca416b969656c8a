import { counting } from '../plural';

const n = counting('en');

export const breakGlass = {
	breakGlass: {
		note: 'For a person in danger who cannot be asked. Two of you must agree, and the patient sees it.',
		ask: 'Ask to open a record',
		askText: 'The patient is told at once, and so are those who can agree.',
		code: 'Code of the patient',
		codeHint: 'Scan the emergency card and paste the text.',
		notOffered: 'This patient does not let you open anything in an emergency.',
		part: 'What do you need?',
		agrees: (who: string) => `Who can agree: ${who}.`,
		hours: 'For how long?',
		hoursOf: (count: number) => n(count, { one: '# hour', other: '# hours' }),
		reason: 'Why?',
		reasonHint: 'At least 20 characters. Everybody who keeps the log can read this for good, so write no names.',
		short: (count: number) => n(count, { one: 'Write # more character.', other: 'Write # more characters.' }),
		send: 'Ask to open it',
		asked: 'Asked. A second person must agree now.',
		now: 'Asked for and open now',
		over: 'Over',
		of: (name: string) => `The record of ${name}.`,
		approve: 'I agree: open it',
		approved: 'You agreed. It can be opened now.',
		endReason: 'It is no longer needed',
		openRecord: 'Open the record',
		reviewDue: (when: string) => `Somebody else should review it before ${when}.`,
	},
};
