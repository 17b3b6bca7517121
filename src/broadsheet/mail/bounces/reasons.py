"""Why a mail was not delivered: one word from words, or from a code where the words say nothing.

The table is in order: the first reason with a matching pattern is taken. What is about the sender, the connection or
the content comes before what is about the recipient, because servers like to say "recipient rejected" to everything.
Patterns see lower case with single blanks; they hold no nested repetition, so that any text costs its length alone.
"""

import re

from broadsheet.mail.bounces.addresses import ADDRESS

LONGEST_WORDS = 2_500  # characters; a server's answer is shorter

_TABLE: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "mailboxfull",
        (
            r"over.?quota|quota (?:is |has been |was )?(?:exceeded|full|exhausted|reached|violat)|quotaexceeded",
            r"(?:exceed|reached|above|beyond)\w* .{0,50}(?:quota|mailbox|storage|disk space|local limit)",
            r"(?:mailbox|inbox|mail box|maildir|mail folder|account|user|recipient)(?:'s)? (?:is |has |was |are )?"
            r"(?:been |currently |too |almost )?(?:full|over ?limit|overflow|too large)",
            r"(?:mailbox|mail box|inbox|account|disk|storage)\b.{0,50}\b(?:full|over ?quota|exceed\w*|too large"
            r"|size limit)",
            r"full mailbox|mailfull|mailbox_full|insufficient (?:disk|storage|mailbox|system storage)"
            r"|storage (?:limit|exceeded)",
            r"(?:no|not enough|out of|lack of|insufficient) (?:disk |storage |mail )?space|too much mail"
            r"|space (?:is )?exceeded",
            r"(?:user|account|mailbox|inbox).{0,40}(?:over|exceed\w*) .{0,20}(?:limit|allot|allow|size)",
            r"not (?:have )?enough (?:\w+ )?space|space not enough|space has been used up|mail ?folder is full"
            r"|over (?:the |its |their |his |your )?(?:\w+ )?quota|too much mail",
            r"容量|メールボックスがいっぱい"
            r"|voll\b|boîte .{0,20}pleine|buzón .{0,20}lleno|casella .{0,20}piena|переполнен",
        ),
    ),
    # Clear words on an address that hold others of these.
    (
        "userunknown",
        (
            r"(?:unknown|illegal) alias|mail ?box is inactive|user (?:is )?not active|inactive (?:e-?mail )?address",
            r"badrcptto|bad ?recipient ?to|validrcptto|envelope recipient (?:has been|is|was) (?:denied|in my bad)"
            r"|account (?:is )?unavailable|address_not_found|unknown user account|user unknown\. command output",
        ),
    ),
    (
        "hasmoved",
        (
            r"(?:has|have) (?:been )?(?:moved|replaced) (?:to|by|with)|recipient no longer on server|address (?:has"
            r"|was) (?:been )?changed",
            r"user (?:has )?moved|has moved to|please (?:use|try) (?:the )?new address|new address is"
            r"|551 (?:5\.\d\.\d )?not our user",
        ),
    ),
    (
        "toomanyconn",
        (
            r"(?:frequency|relay|sending|submission) limit|too quickly|excessive volume|exceeded their limit"
            r"|rate that prevents|threshold (?:limit )?exceeded|thread limit|permanently deferred",
            r"too many (?:concurrent |simultaneous |smtp )*(?:connection|session)|connection (?:rate "
            r"|frequency )?limit",
            r"(?:maximum|max) (?:number of )?(?:concurrent |smtp )*(?:connection|session)|too many .{0,30}from your",
            r"rate.?limit|throttl|too (?:fast|frequent)|sending (?:too )?(?:rate|many messages)"
            r"|too many (?:messages|mails)",
        ),
    ),
    (
        "exceedlimit",
        (r"too many recipients", r"(?:limit|size) (?:is )?(?:set|allowed|fixed) (?:by|for) (?:the |this )?recipient"),
    ),
    (
        "mesgtoobig",
        (
            r"(?:message|mail|e-?mail|letter|file|header)s? (?:size |is |was |body |length |file )*(?:too (?:large"
            r"|big|long)|exceed)",
            r"(?:message|mail|line|size|length).{0,40}(?:exceed\w*|larger than|over|above).{0,40}(?:limit|maximum"
            r"|max|size|allowed)",
            r"(?:size|line|length) (?:limit|is limited)|(?:maximum|max|allowed) (?:message |mail |allowed )*size",
        ),
    ),
    (
        "authfailure",
        (
            r"\bdmarc\b|\bdkim\b.{0,60}(?:fail|invalid|verif|pass|sign)|\bspf\b|sender policy framework",
            r"unauthenticated (?:e-?mail|mail|sender|message)|authentication checks|not authenticated .{0,40}domain",
            r"sender.{0,20}authenticat\w* .{0,20}(?:fail|requir)",
        ),
    ),
    (
        "requireptr",
        (
            r"\bptr\b|reverse[ -](?:dns|lookup|mapping|hostname|address|name|ip)|\br-?dns\b|no reverse"
            r"|reverse .{0,10}record",
            r"(?:cannot|can't|could not|unable to|fail\w*) (?:to )?(?:find|resolve|verify) your (?:reverse |host"
            r"|address|ip|domain)",
            r"client host rejected: cannot find|unverifiable sending ip|unresolvable relay|(?:ip"
            r"|client) .{0,40}does not resolve",
        ),
    ),
    (
        "badreputation",
        (
            r"(?:low|bad|poor|very low|negative|sender) reputation|reputation (?:of|is|score)|unexpected volume"
            r"|user complaints",
        ),
    ),
    (
        "blocked",
        (
            r"\b(?:rbl|dnsbl|spamhaus|spamcop|barracuda(?:central)?|sorbs|spamrats|uceprotect|abuseat)\b",
            r"black.?list|block.?list|deny.?list|banned sending|banned ip|\bbanned\b|\bblocked (?:using|by|for"
            r"|because|due|-|see)",
            r"(?:client|sending|your|source|remote|smtp) (?:ip|host|server|network|mta|address"
            r"|mail server)s?\b.{0,80}"
            r"(?:block|ban|denied|deny|listed|reject|refus|not allowed|not permitted|forbid|prohibit|unwelcome"
            r"|suspicious)",
            r"(?:client host|helo|ehlo|connection|connect|ip(?: address)?|network) (?:\S{1,60} )?(?:is |was "
            r"|has been )?"
            r"(?:rejected|refused|denied|blocked|not allowed|dropped|not accepted|forbidden)",
            r"client host rejected|\bgo away\b|dynamic ip|reputation problem|mail server at \S{1,60} is blocked"
            r"|mail from \[?\d[\d.]{6,14}\]? (?:is )?refused|open proxy|listed as abus|unverif\w* sending"
            r"|looks suspicious"
            r"|requires? confirmation|confirm this mail server|not allowed to connect|ehlo argument"
            r"|mismatch\w* client ip"
            r"|(?:invalid|wrong) ip for|smtp server of your",
            r"(?:too many|threshold of) (?:invalid|unknown|bad) (?:recipient|rcpt|user)|invalid domain name"
            r"|(?:helo|ehlo)\b.{0,60}(?:not found|not exist|must|mismatch)|not exist.{0,60}\b(?:helo|ehlo)\b",
            r"(?:too many|sent) unwanted|messages? from \S{1,60} (?:weren't|were not|was not)|e-?mail is redundant",
            r"(?:server|connection|access)\b.{0,30}\b(?:denied|refused|rejected|forbidden)\b.{0,40}\bip\b"
            r"|bad sender ip",
            r"no access from mail server|not accepting (?:connections|mail from)|connection reset by peer"
            r"|invalid (?:helo|ehlo)",
            r"(?:blocked|refused|denied|rejected) (?:your |this |the )?(?:ip|connection|host|server)|an open relay"
            r"|bad helo",
            r"refused to talk to me: (?:\S{1,60} )?(?:5\d\d|4\d\d) (?:\d\.\d\.\d )?(?:blocked|access denied"
            r"|rejected)|\bhosts? .{0,40}blocked",
        ),
    ),
    ("virusdetected", (r"\bvirus|malware|infected|trojan|\bworm\b|phishing (?:mail|attempt|link)",)),
    (
        "spamdetected",
        (
            r"\bspam\b|spammy|spamassassin|unsolicited|bulk (?:e-?)?mail|junk (?:e-?)?mail|\bube\b|\buce\b",
            r"mass mailer|\buribl\b|content (?:denied|filter)|unacceptable content|message is (?:likely )?suspicious",
            r"spam (?:content|message|detected|score)|message content rejected|considered .{0,20}spam|is spam",
        ),
    ),
    (
        "norelaying",
        (
            r"rela(?:y|ying)\b.{0,40}(?:denied|not permitted|not allowed|prohibited|forbidden|access|refused"
            r"|rejected)",
            r"(?:not (?:permitted|allowed|authori[sz]ed) to|unable to|cannot|refused? to|do(?:es)? not|we don't"
            r"|no) relay(?:ing)?\b",
            r"\bas a relay\b|not configured to relay|when attempting to send to a non-local",
            r"rcpthosts|not a relay|not an open relay|no relaying|not local;|authenticate before",
        ),
    ),
    (
        "rejected",
        (
            r"\bsender\b(?! ?(?:policy|score)).{0,60}(?:reject|denied|not allowed|unknown|verif|refus|invalid"
            r"|not exist|blocked|not found|must)",
            r"(?:reject\w*|deny|denied|refus\w*|bad|invalid|unknown|unrout\w*|malformed"
            r"|unverified) .{0,12}(?:sender|mail from|originat|return address)",
            r"administrative prohibition|closed mailing list|sender.{0,40}null mx|(?:non-|not )members?\b|members-only"
            r"|purported responsible|\bbadsender"
            r"|\bsendernoa\b"
            r"|senderfilter|badmailfrom|empty (?:e-?mail address|envelope sender)|from: domain|fully qualified e-?mail"
            r"|outgoing mail suspension|gateway user|mail from not owned|sender (?:not|domain)"
            r"|access to submit messages"
            r"|dead domain|your (?:e-?mail address|domain) .{0,90}(?:blocked|blacklisted)",
            r"domain of sender|<>.{0,30}(?:reject|invalid|not accept)|(?:bogus|invalid|bad) (?:mail )?from"
            r"|from address",
            r"not accept\w* .{0,30}\bfrom\b.{0,40}|(?:permission|authori[sz]ed|allowed) to (?:post|send)"
            r"|send mail as|sender was rejected",
            r"mail ?from\b.{0,40}(?:domain|address).{0,30}(?:not exist|no mx|not found|resolve|invalid|not owned)"
            r"|returned mail not|(?:emetteur|absender|remitente|mittente) (?:invalide|ung|no v|non v)"
            r"|e-?mail is not owned",
            # Groups say it in the reader's language; the page they point to is the same.
            r"groups\.google\.com/support",
        ),
    ),
    (
        "suspend",
        (
            r"(?:account|mailbox|user|recipient|address|profile|e-?mail|domain|login)\b.{0,60}(?:\bdisabled"
            r"|suspend|inactiv|"
            r"deactivat|\blocked|frozen|discontinued|expired|not active|not activated|not yet been activated"
            r"|temporar\w* (?:lock"
            r"|disab))",
            r"(?:disabled|suspended|inactive|deactivated|locked|expired|frozen) (?:recipient|user|account|mailbox"
            r"|address|e-?mail|domain)",
            r"temporar\w* locked|archived recipient|mailbox cannot be accessed",
            r"mailbox unavailable or access denied|no longer accepts? mail|is terminated|@>? is no longer valid"
            r"|(?:account|mailbox|recipient|user)\b.{0,30} (?:is |was |has been )blocked|compte .{0,30}bloqu",
            r"not currently (?:accepting|available)|currently (?:disabled|suspended|inactive)|is a deactivated"
            r"|boite du destinataire archivee",
        ),
    ),
    (
        "networkerror",
        (
            r"(?:host|domain)\b.{0,60}(?:not found|error|fail\w*|lookup)\b.{0,20}\btry again"
            r"|host ?name lookup fail|(?:dns|name server|name service)\b.{0,60}"
            r"(?:time|temporar|try again|server fail|servfail|lookup fail)",
            r"(?:mail|forwarding|routing|message) loop|loop (?:detected|alert)|hop count|too many hops|loops back"
            r"|routing loop",
            r"dns records? .{0,40}not be found|malformed .{0,20}name server reply|unrout\w* mail domain"
            r"|unable to resolve route",
            r"too many (?:received|hops)|temporary failure in name|dns type '?\w{1,5}'? lookup .{0,80}(?:servfail"
            r"|nxdomain)",
        ),
    ),
    (
        "notaccept",
        (
            r"null ?mx|(?:host|domain|host/domain|server|system)\b.{0,60}(?:does not|doesn't|don't|never) (?:accept"
            r"|receive|support) (?:any |e-?|incoming )*mail",
            r"no mx (?:found|record|host)|(?:couldn't|could not|cannot|can't|unable to) (?:find|locate) (?:a |an "
            r"|any )?"
            r"(?:mail exchanger|mx|mail server|valid mx)|(?:does not|doesn't"
            r"|not) accept (?:any )?(?:e-?)?mails?(?: here|$|\.)",
            r"\b(?:521|556)[ -]|no mail (?:is )?accepted|mail receiving disabled"
            r"|an mx or srv record indicated no smtp service",
            r"host is not accept|no host found for existing|mail (?:is )?not accepted (?:here|at this)"
            r"|smtp protocol returned a permanent error",
        ),
    ),
    (
        "hostunknown",
        (
            r"(?:host|hostname|host name|host or domain|domain(?: name)?)s?\b.{0,40}?(?:unknown|not found"
            r"|was not found|"
            r"not known|couldn't be found|could not be found|doesn't exist|does not exist|not exist|must exist"
            r"|non-?existent|not valid|isn't valid)",
            r"(?:unknown|no such|unrout\w*|bad|illegal|non-?existent|invalid(?! domain name)|can't find) (?:mail "
            r"|destination "
            r"|remote |smtp |recipient )*"
            r"(?:host|domain|server)|nxdomain|couldn't find any host|no mail hosts? for|name or service not known",
            r"(?:domain|host)\b.{0,60}(?:wasn't|isn't|is not|was not) (?:found|known|registered|recogni[sz]ed)"
            r"|no route for domain",
            r"all host address lookups failed perm|unrouteable domain|domain is not reachable|name service error"
            r"|no such domain"
            r"|recipient's e-?mail provider|mail domain mentioned",
        ),
    ),
    (
        "securityerror",
        (
            r"(?:authentication|\btls|starttls|encryption|certificate|\bssl|smtp auth\w*"
            r"|\bauth)\b.{0,40}(?:required|fail|needed|must|mandatory|"
            r"verify|handshake|turn on|in your mail client)|must issue a starttls|turn on smtp auth"
            r"|delivery not authori[sz]ed|without authentication|is not authorized to|credentials? invalid"
            r"|invalid credential",
        ),
    ),
    (
        "mailererror",
        (
            r"\b(?:command|program|pipe|script|mailer|procmail|maildrop|local delivery)\b.{0,40}(?:fail|died|error"
            r"|exit|output|returned)",
            r"(?:procmail|maildrop|dovecot-lda|deliver): .{0,40}(?:couldn't|can't|cannot|error|fail)"
            r"|exit (?:status|code|value)|pipe to \||mailer error|x-unix|ticket_create",
        ),
    ),
    (
        "userunknown",
        (
            r"(?:user|account|recipient|mailbox|addressee|alias|local.part|member|customer|userid|person|login"
            r"|mail ?box name|"
            r"(?:e-?mail|mail|recipient|destination|delivery|user|final delivery) address|address)(?:\(?e?s\)?"
            r"|'s)?\b.{0,80}?"
            r"(?:unknown|not found|n't exist|not exist|non[ -]?exist|not known|invalid|not recogni[sz]ed|not listed"
            r"|no longer|"
            r"n't be found|not be found|cannot be found|not here|not valid|isn't valid|been deleted|been removed"
            r"|unrout\w*|no such|not exists?\b|not our|"
            r"isn't an?\b|is not an?\b|not (?:local|ok\b|in use)|was not found|wasn't found|has left|been closed"
            r"|is closed|not present|closed\b(?! mailing)"
            r"|not in (?:the|our|my)|terminated)",
            r"(?:unknown|invalid|no such|non[ -]?existent|not an? valid|not an? active|no longer an? valid|unrout\w*"
            r"|incorrect|undefined|unresolvable|bad"
            r"|illegal|not a known|no valid|no active)"
            r"(?: (?:or \w+ )?(?:final delivery|local|remote|virtual|destination|e-?mail|user|recipient|smtp|mail"
            r"|delivery)){0,3}[ -]"
            r"(?:local.?part|user|userid|recipient|account|address|mailbox|alias|person|addressee|customer|member|rcpt"
            r"|name|mail ?box)",
            r"@[>)]?:?(?: is| was| are)? (?:not found|unknown|does(?: not|n't) exist|didn't exist|not known|no such)"
            r"|this \w{1,20} (?:does not|doesn't) exist|missing home directory|can't accept user|not e-?mail addresses",
            r"(?:not|no|isn't) .{0,40}\bin .{0,20}(?:name|public|address|domino) .{0,10}(?:directory|book)"
            r"|(?:address|user|recipient)s? (?:is |are |was |were )?undeliverable"
            r"|(?:recipient|mailbox)(?: address)? (?:is )?not (?:accepted|allowed)|(?:isn't|not) registered"
            r"|(?:rejected|refused) recipients\b|mail ?box unava\w*able|no longer (?:with|works?\b|employed)",
            r"no (?:mailbox|mail box|account|user|such|one|recipient)\b.{0,40}(?:here|by that name|found|with"
            r"|called|name|exist|address|account|available|\bon\b)",
            r"(?:doesn't|does not|didn't) have an? \S{1,80} account|unknown to (?:me|this|us)|not (?:our"
            r"|my) (?:customer|user)",
            r"adr\.recip|recip\w{0,10}notfound|user_?unknown|(?:not|isn't) in (?:the |our |my )?directory"
            r"|mailbox (?:is )?unavailable|bad-mailbox",
            r"account that you tried to reach does not exist|not a mailbox|unknown_?user"
            r"|typos?\b|nosuchuser",
            r"recipient address rejected(?:\.|:? (?:access denied|user|undeliv|unverified|address)|$)"
            r"|unable to find (?:the |an )?(?:user|recipient|alias)|no such mail drop"
            r"|\brecipient rejected\b(?!:)|handle mail for th(?:at|is) user|not found in ldap",
            r"mail ?box .{0,20}not found|address (?:couldn't|could not|cannot) be found|address not found"
            r"|check if (?:the )?address is correct",
            r"\b54[24] \S{1,100} rejected|no mailbox|not a (?:valid|known|local) (?:user|mailbox|address"
            r"|recipient)|there is no .{0,40}(?:user|account)",
            r"見つかりません|存在しません|宛先不明|あて先"
            r"|адрес не найден|пользователь не найден|несуществующ|не существует|存在しない|不存在"
            r"|нет такого|ящик не|не найден|查無此|找不到|查无此|무효|찾을 수 없|존재하지",
            r"unbekannt|inconnu\w*|desconocid|desconhecid|sconosciut|onbekend|okänd|ukendt|ukjent|tuntematon|bilinmeyen"
            r"|nessun utente|inesistente|destinatario errato|non esiste|n'existe pas|no existe|não existe"
            r"|existiert nicht|bestaat niet|finns inte"
            r"|findes ikke|finnes ikke|ei löydy|nie ma taki|nie istnieje|neexist|bulunamad|introuvable|non trovat"
            r"|nicht gefunden|no encontrad|não encontrad|niet gevonden|hittades inte|nieznany",
        ),
    ),
    (
        "policyviolation",
        (
            r"policy (?:reasons?|violation|reject)|\bpolicy\b|prohibited|violat|disallowed|not accepted for"
            r"|security (?:issue|reasons?)",
            r"attachment|header error|message not allowed|administrative prohibition|denied by|rule (?:imposed"
            r"|match)|content guidelines",
        ),
    ),
    (
        "contenterror",
        (
            r"content|charset|encod|8-?bit|\bmime\b|duplicate header|headers? (?:too|missing|required)|\bsubject\b"
            r"|line too long|smtputf8|bare (?:lf|cr)",
        ),
    ),
    (
        "filtered",
        (
            r"(?:message|mail) (?:was )?(?:rejected|refused) by (?:the )?(?:recipient|user|filter)|filter|(?:user"
            r"|recipient) (?:reject|refus)",
            r"refuse\w* to receive|restricts? |only accepts?|has protected|whitelist|challenge",
        ),
    ),
    (
        "expired",
        (
            r"(?:delivery|message|retry|time|queue|envelope|connection|operation|session|host"
            r"|mail)\b.{0,40}(?:expired|timed? ?out|timeout)|timed out",
            r"(?:could|has|have) not (?:be|been|yet been) delivered .{0,10}(?:for|within|in|after)|too long"
            r"|retry time|failing for a long time",
            r"been in the queue|giving up|will (?:keep|continue) (?:trying|to)|hours|not reachable"
            r"|did not accept our requests to connect|will retry|"
            r"retried|delay|undeliverable for|unable to contact|not respond",
        ),
    ),
    (
        "networkerror",
        (
            r"(?:network|connection|connect|dns)\b.{0,50}(?:error|unreachable|failed|refused|lost|reset|no route"
            r"|broken|cannot|down|problem|interrupt|responded)",
            r"no route to host|(?:couldn't|could not|unable to|cannot|wasn't able to) (?:connect|establish)"
            r"|lost connection|network unreachable|unreachable",
        ),
    ),
    (
        "syntaxerror",
        (r"syntax|malformed|unrecogni[sz]ed (?:command|parameter)|bad sequence|command (?:not |un)\w+|parameter",),
    ),
    (
        "systemerror",
        (
            r"system (?:error|config|resource|fail)|internal (?:system |server )?error|local (?:error|problem"
            r"|configuration)|configuration error",
            r"server (?:config|error)|unexpected|can't create|cannot (?:create|open|write)|i/o error|temporar"
            r"|service (?:currently )?unavailable|",
            r"permission|try again|grey ?list|come back later|queue file|mail transport error|aliasing"
            r"|error in processing|not support|ldap|loop|duplicated message-id|resources|insufficient",
        ),
    ),
)

# What servers say of anything: that they refused. A code beside it says more.
_REFUSED = re.compile(r"access denied|not authori[sz]ed|reject|denied|refused")

_PATTERNS = tuple(
    (reason, re.compile("|".join(f"(?:{one.strip('|')})" for one in several))) for reason, several in _TABLE
)

# The words that mail systems put before what a host said.
_BEFORE = re.compile(
    r"smtp error from remote mail ?(?:er|server) after|remote (?:host|server|smtp server) (?:said|returned)"
)
# The host that Postfix and Exim name there.
_HOST = re.compile(r"\bhost [\w-]{1,63}\.[\w.-]{1,100}(?: ?\[[^\]\s]{1,60}\])?(?= said:|:)")

REASONS = frozenset({reason for reason, _ in _TABLE} | {"delivered", "complaint", "undefined"})

# What the enhanced status codes of RFC 3463 and its registry say where no words do.
_OF_STATUS = {
    "1.0": "userunknown",
    "1.1": "userunknown",
    "1.2": "hostunknown",
    "1.3": "userunknown",
    "1.4": "filtered",
    "1.6": "hasmoved",
    "1.7": "rejected",
    "1.8": "rejected",
    "1.10": "notaccept",
    "2.0": "filtered",
    "2.1": "suspend",
    "2.2": "mailboxfull",
    "2.3": "exceedlimit",
    "2.4": "filtered",
    "3.1": "mailboxfull",
    "3.2": "notaccept",
    "3.4": "mesgtoobig",
    "3.5": "systemerror",
    "4.1": "expired",
    "4.2": "networkerror",
    "4.3": "systemerror",
    "4.4": "hostunknown",
    "4.6": "networkerror",
    "4.7": "expired",
    "7.0": "policyviolation",
    "7.1": "policyviolation",
    "7.2": "rejected",
    "7.8": "securityerror",
    "7.13": "suspend",
    "7.23": "authfailure",
    "7.25": "requireptr",
    "7.26": "authfailure",
    "7.27": "rejected",
}
_OF_CLASS = {"3": "systemerror", "4": "networkerror", "5": "syntaxerror", "6": "contenterror", "7": "policyviolation"}


def reason_of_words(words: str) -> str:
    """The reason that words give, or "". Addresses and names of hosts are no words, whatever they spell."""
    text = " ".join(words[: LONGEST_WORDS * 2].lower().replace("\u2019", "'").split())[:LONGEST_WORDS]
    plain = ADDRESS.sub("@", _BEFORE.sub(" ", _HOST.sub(" ", text)))
    return next((reason for reason, pattern in _PATTERNS if pattern.search(plain)), "")


def is_refusal(words: str) -> bool:
    """Whether words say no more than that something was refused."""
    return bool(_REFUSED.search(words[:LONGEST_WORDS].lower()))


def reason_of_status(status: str) -> str:
    """The reason that an enhanced status code gives, or ""."""
    kind = status.partition(".")[2]
    return _OF_STATUS.get(kind) or _OF_CLASS.get(kind[:1], "")
