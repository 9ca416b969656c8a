import { place } from './router.svelte';

/** Every screen there is, by its address. */
export const places = {
	today: place('/', () => import('./screens/today/Today.svelte')),
	timeline: place('/timeline', () => import('./screens/timeline/Timeline.svelte')),
	trends: place('/trends', () => import('./screens/trends/Trends.svelte')),
	record: place('/record/:id', () => import('./screens/record/Record.svelte')),
	add: place('/add', () => import('./screens/add/Add.svelte')),
	sharing: place('/sharing', () => import('./screens/sharing/Sharing.svelte')),
	seeAs: place('/sharing/as/:as', () => import('./screens/sharing/SeeAs.svelte')),
	patients: place('/patients', () => import('./screens/patients/Patients.svelte')),
	shared: place('/shared', () => import('./screens/patients/Shared.svelte')),
	patient: place('/patient/:patient', () => import('./screens/patient/Patient.svelte')),
	patientTimeline: place('/patient/:patient/timeline', () => import('./screens/patient/PatientTimeline.svelte')),
	patientTrends: place('/patient/:patient/trends', () => import('./screens/patient/PatientTrends.svelte')),
	patientRecord: place('/patient/:patient/record/:id', () => import('./screens/patient/PatientRecord.svelte')),
	patientWrite: place('/patient/:patient/write', () => import('./screens/patient/PatientWrite.svelte')),
	breakGlass: place('/break-glass', () => import('./screens/break-glass/BreakGlass.svelte')),
	audit: place('/audit', () => import('./screens/audit/Audit.svelte')),
	auditSearch: place('/audit/search', () => import('./screens/audit/AuditSearch.svelte')),
	auditProof: place('/audit/proof/:sequence', () => import('./screens/audit/AuditProof.svelte')),
	authority: place('/authority', () => import('./screens/authority/Authority.svelte')),
	authorityInvite: place('/authority/invite', () => import('./screens/authority/AuthorityInvite.svelte')),
	authorityMembers: place('/authority/people', () => import('./screens/authority/Members.svelte')),
	authorityMember: place('/authority/people/:gid', () => import('./screens/authority/AuthorityMember.svelte')),
	authorityVersions: place('/authority/versions', () => import('./screens/authority/Versions.svelte')),
	access: place('/access', () => import('./screens/access/Access.svelte')),
	emergency: place('/emergency', () => import('./screens/emergency/Emergency.svelte')),
	keys: place('/keys', () => import('./screens/keys/Keys.svelte')),
	about: place('/about', () => import('./screens/about/About.svelte')),
	more: place('/more', () => import('./screens/more/More.svelte')),
};

/** What can be gone to while nothing is open. */
export const frontPlaces = {
	unlock: place('/', () => import('./screens/unlock/Unlock.svelte')),
	setup: place('/setup', () => import('./screens/setup/Setup.svelte')),
	restore: place('/restore', () => import('./screens/restore/Restore.svelte')),
	about: places.about,
};

/** Has the code of all screens fetched, so that they can be gone to without a connection. */
export function fetchAhead(): void {
	for (const { load } of Object.values(places)) load().catch(() => undefined); // what fails is fetched when it is gone to
}
