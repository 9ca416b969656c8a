export const vault = {
	unlock: { title: 'Open your record' },
};
