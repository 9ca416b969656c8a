import type { Words } from '../words.svelte';
import { counting } from '../plural';

const n = counting('ar');

export const people: Pick<Words, 'people' | 'reach' | 'stop'> = {
	people: {
		you: 'أنت',
		unknown: (id) => `شخص لا يُعرف اسمه (${id})`,
		and: 'و',
		or: 'أو',
		emergency: 'أطباء في حالة طوارئ',
		roleOf: (role, authority) => `${role} في ${authority}`,
		roles: { doctor: 'الأطباء', nurse: 'الممرضون', trainer: 'المدربون', agent: 'الموظفون', hr: 'شؤون الموظفين', auditor: 'المدققون', patient: 'المرضى', emergency: 'طاقم الطوارئ', supervisor: 'المشرفون' },
		parts: { health: 'الصحة', training: 'التمرين', claims: 'المطالبات', work: 'العمل', emergency: 'الطوارئ' },
		by: (name) => `وقّعه ${name}`,
		for: (name) => `${name}، نيابة عنك`,
	},
	reach: {
		onlyYou: 'أنت فقط',
		groups: (count) => n(count, { one: 'مجموعة واحدة', two: 'مجموعتان', few: '# مجموعات', other: '# مجموعة' }),
		groupOf: { hospital: 'فريق الرعاية', 'health-club': 'المدرب', insurer: 'شركة التأمين', employer: 'جهة العمل' },
		shared: 'مشارك معك',
		sharedUntil: (date) => `حتى ${date}`,
		opens: (part, who) => `${part}: من يستطيع فتحه؟ ${who}`,
		title: (part) => `من يستطيع فتح ${part}`,
		youAlways: 'أنت دائمًا، وكذلك:',
		nobodyElse: 'أنت فقط. لا يستطيع غيرك فتح هذا.',
		readWrite: 'يقرأ ويضيف',
		readOnly: 'يقرأ',
		fromNow: 'الجديد فقط',
		since: (date) => `منذ ${date}،`,
		until: (date) => `حتى ${date}.`,
		noEnd: 'بلا تاريخ انتهاء.',
		openNow: 'مفتوح عنده الآن',
		lastOpened: (when) => `آخر فتح: ${when}`,
		neverOpened: 'لم يفتحه بعد',
		stop: 'أوقف المشاركة',
		all: 'كل ما تشاركه',
	},
	stop: {
		waiting: 'إيقاف المشاركة؟',
		title: (name) => `إيقاف المشاركة مع ${name}؟`,
		cannot: (name, parts) => `${name}: لا شيء جديد يمكن فتحه في ${parts}.`,
		keeps: (name) => `${name}: قد يبقى ما فُتح من قبل. لا أحد يستطيع استرجاعه.`,
		never: (name) => `${name}: لم يُفتح شيء بعد.`,
		sessions: (count) => n(count, { one: 'نافذة مفتوحة واحدة تُغلق فورًا.', two: 'نافذتان مفتوحتان تُغلقان فورًا.', few: '# نوافذ مفتوحة تُغلق فورًا.', other: '# نافذة مفتوحة تُغلق فورًا.' }),
		still: (name, parts) => `${name}: مشاركة أخرى ما زالت تسمح بفتح ${parts}.`,
		done: (name) => `توقفت المشاركة مع ${name}.`,
	},
};
