import { counting } from '../plural';

const n = counting('en');

export const access = {
	access: {
		read: (part: string) => `Opened ${part}`,
		wrote: (part: string) => `Opened ${part} to add to it`,
		refused: (part: string, count: number) => n(count, { one: `Tried to open ${part} and was refused`, other: `Tried # times to open ${part} and was refused` }),
		openNow: 'Open now',
		first: 'First time',
		acting: 'For you',
	},
};
