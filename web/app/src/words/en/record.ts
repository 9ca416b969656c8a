export const record = {
	record: {
		byYou: 'Written by you',
		fresh: 'New',
		sealed: 'Sealed',
		sealedWhy: (part: string) => `${part}: this can't be opened with your keys`,
	},
};
