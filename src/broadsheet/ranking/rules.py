"""Every constant of the ranking in one place. docs/ranking.md gives the formulas and the reason of each.

Those that a site may set bear the name of their setting: trending_editions_per_tenfold, trending_prior,
field_fairness, outside_vote_weight and votes_per_day.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rules:
    """The constants in force; shares and discounts from 0 to 1, everything else at least 0.

    Standing (`standing.standing`):
    newcomer: what the vote of a new account weighs that nobody vouched for but whose address is verified. 50 of them
        make one step of support and 200 one reader; those too few for the test for bursts stay below a step.
    vouched_share: what the vote of a newcomer weighs whom a reader of full standing invited or approved.
    vouched_power: the power of the voucher's standing in this. With 2, a chain of invitations dies out: five
        invitations each add 2.5, 3.1, 1.0 and 0.02 votes to the first reader's own, generation by generation.
    full_age_days, full_active_days: days since joining, and days with a vote or comment, after which an account has
        earned full standing; the lesser part counts, so that neither waiting nor one busy week is enough.
    accepted_worth, accepted_most: what an accepted contribution adds to that part, and all of them at most.
    upheld_factor: what remains of the standing after each report against the reader that was upheld.
    votes_per_day: votes of a day that weigh in full; the nth after them weighs (votes_per_day / n)^2, so that a day
        never gives twice as many.

    Support (`support.support`):
    commenter_weight: what someone who comments adds; all together never more than the votes do.
    outside_vote_weight: what an upvote counted elsewhere weighs beside a vote here.
    star_weight: what tenfold stars of the paper's code add.
    support_step, support_step_part: support is rounded to whole steps: of so many votes, or of that part of the
        overall mean if less. Papers nearer than that stand equal and the lot decides, so that a hundredth of a vote
        does not pass all the papers that have two.

    Heat (`hot.hot`):
    trending_editions_per_tenfold: H, above 0: editions of age that tenfold support makes good.
    trending_prior: a: the mean of the field counts like that many papers.
    field_fairness: f: 0 leaves fields as they are, 1 makes their means equal but for the damping.
    field_damping: k, above 0: support added to both means, so that an empty field is not lifted without bound.

    Integrity (`integrity.suspicions`):
    alpha: the chance of one false finding among all that a search looks at, per kind of test, if all votes were
        independent.
    ring_members, ring_papers: the fewest members of a ring, and the fewest papers they have in common.
    ring_turnout: the share of the members that votes for a paper pushed by the ring.
    ring_middle: papers with half that turnout or more, beside each pushed one, that a ring may have; likewise voters
        for half that share of the pushed papers or more, beside each member. Readers of one field have many of both.
    ring_exchange: the fewest votes that a member gives to papers of other members, where that is the sign.
    ring_lift: how many times more of their votes than their taste explains the members give to each other's papers.
    ring_picks: how much more the members' votes for each other's papers may vary from paper to paper than dice would
        have it. Who reads before voting picks, and varies far more.
    ring_liked: votes by others, as a multiple of those that papers get on average, above which pushed papers are
        taken to be good ones that a reading circle picked.
    ring_discount: the share of its weight that every vote of a member loses.
    crowd: voters of a paper above which it tells little about pairs and costs much to compare.
    low_standing: below it an account counts as new in the tests for bursts and origins.
    burst_hours: the length of the window.
    burst_votes, burst_lift: the fewest votes by new accounts in it, and how many times the expected number.
    burst_discount: the share of their weight that the burst's votes for this paper lose.
    origin_voters, origin_lift: the fewest new accounts of one origin on a paper, and how many times the expected
        number. Together they then weigh as one.
    """

    newcomer: float = 0.005
    vouched_share: float = 0.5
    vouched_power: float = 2.0
    full_age_days: float = 60.0
    full_active_days: int = 20
    accepted_worth: float = 0.05
    accepted_most: float = 0.25
    upheld_factor: float = 0.7
    votes_per_day: int = 40

    commenter_weight: float = 0.5
    outside_vote_weight: float = 0.2
    star_weight: float = 0.5
    support_step: float = 0.25
    support_step_part: float = 0.1

    trending_editions_per_tenfold: float = 3.0
    trending_prior: float = 0.5
    field_fairness: float = 0.5
    field_damping: float = 1.0

    alpha: float = 0.01
    ring_members: int = 5
    ring_papers: int = 5
    ring_turnout: float = 0.75
    ring_middle: float = 0.5
    ring_exchange: int = 3
    ring_lift: float = 4.0
    ring_picks: float = 3.0
    ring_liked: float = 2.0
    ring_discount: float = 1.0
    crowd: int = 200
    low_standing: float = 0.3
    burst_hours: float = 6.0
    burst_votes: int = 8
    burst_lift: float = 4.0
    burst_discount: float = 1.0
    origin_voters: int = 4
    origin_lift: float = 3.0
