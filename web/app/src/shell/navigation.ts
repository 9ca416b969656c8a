import ChartLine from '@lucide/svelte/icons/chart-line';
import Info from '@lucide/svelte/icons/info';
import Building from '@lucide/svelte/icons/building-2';
import KeyRound from '@lucide/svelte/icons/key-round';
import Layers from '@lucide/svelte/icons/layers';
import LifeBuoy from '@lucide/svelte/icons/life-buoy';
import List from '@lucide/svelte/icons/list';
import ScrollText from '@lucide/svelte/icons/scroll-text';
import Search from '@lucide/svelte/icons/search';
import ShieldCheck from '@lucide/svelte/icons/shield-check';
import Siren from '@lucide/svelte/icons/siren';
import Sun from '@lucide/svelte/icons/sun';
import FolderOpen from '@lucide/svelte/icons/folder-open';
import Users from '@lucide/svelte/icons/users';
import UsersRound from '@lucide/svelte/icons/users-round';
import { session } from '../data/session.svelte';
import type { Me } from '../messages';
import type { Icon } from '../parts/Icon';
import { places } from '../places';
import { here, href, match, type Place } from '../router.svelte';
import { t, type Words } from '../words/words.svelte';

/** An entry of the navigation. */
export interface Entry {
	name: keyof Words['nav'];
	icon: Icon;
	address: string;
	/** Pressed after g, it goes there. */
	key: string;
	/** The beginning of the addresses of screens that are reached from there. */
	under?: string;
}

function entry(name: keyof Words['nav'], icon: Icon, to: Place, key: string, under?: string): Entry {
	return { name, icon, address: href(to as Place<'/'>), key, under };
}

const ofPatients = [
	entry('today', Sun, places.today, 't'),
	entry('timeline', List, places.timeline, 'l'),
	entry('trends', ChartLine, places.trends, 'r'),
	entry('sharing', Users, places.sharing, 's', '/sharing/'),
	entry('access', ScrollText, places.access, 'a'),
	entry('emergency', LifeBuoy, places.emergency, 'e'),
];

const patients = entry('patients', UsersRound, places.patients, 'p', '/patient/');
const shared = entry('shared', FolderOpen, places.shared, 'h', '/patient/');

/** What each role comes for. */
const ofRoles: Partial<Record<string, Entry[]>> = {
	patient: ofPatients,
	doctor: [patients, entry('breakGlass', Siren, places.breakGlass, 'b')],
	trainer: [entry('clients', UsersRound, places.patients, 'p', '/patient/')],
	insurer: [shared],
	employer: [shared],
	auditor: [entry('audit', ShieldCheck, places.audit, 'u'), entry('auditSearch', Search, places.auditSearch, 'f', '/audit/proof/')],
	authority: [
		entry('authority', Building, places.authority, 'o', places.authorityInvite.path),
		entry('members', UsersRound, places.authorityMembers, 'm', '/authority/people/'),
		entry('versions', Layers, places.authorityVersions, 'v'),
	],
};

const ofEverybody = [entry('keys', KeyRound, places.keys, 'k'), entry('about', Info, places.about, 'i')];

/** Where somebody may go, what they come for first at the top. */
export function navigation(me: Me): Entry[] {
	const mine = me.roles.flatMap((role) => ofRoles[role] ?? []);
	if (me.acts_for?.length) mine.push(patients);
	// Two roles may come for the same.
	return [...mine, ...ofEverybody].filter((entry, i, all) => all.findIndex(({ address }) => address === entry.address) === i);
}

/** Whether an entry leads to where the person is. */
export function isHere(entry: Entry): boolean {
	if (here() === '/') return entry.address === navigation(session.me)[0]?.address;
	return match(here(), entry.address.slice(1)) !== undefined || (entry.under !== undefined && here().startsWith(entry.under));
}

export function label(entry: Entry): string {
	return t().nav[entry.name];
}
