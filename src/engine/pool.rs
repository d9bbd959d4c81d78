//! One immutable generation of the pool: who is in it, in which tiers, for which models.
//!
//! A pick works on one generation from start to end, so it never sees half a reconfiguration. What was learned about a
//! provider lives in its [`Slot`], which the next generation shares; what a strategy remembers is carried over by
//! [`Chooser::successor`].

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::arena::{Arena, Landlord, Tenancy};
use super::config::{Config, ConfigError, Cost, OutputEstimate, ProviderConfig, gcd};
use super::group::Group;
use super::health::cooldown_max;
use super::limit::{Charge, Cost as TokenCost, Ledger, Limits};
use super::outputs::Outputs;
use super::provider::Core;
use super::request::{ModelId, ProviderId, Request};
use super::sharing::{Learned, Most, Sharing, cost};
use super::slot::{ShutSlots, Slot};
use super::strategy::{Chooser, Shelf};
use super::wheel::Wheel;
use crate::rng::{self, Draws, Stream};
use crate::time::Nanos;

/// One generation.
pub(crate) struct Pool {
    pub config: Config,
    /// In configuration order.
    pub places: Box<[Place]>,
    /// Shared by all generations.
    pub shut_slots: Arc<ShutSlots>,
    /// Root of the strategies' draws.
    pub draws: u64,
    /// By model id; the last one serves models that no provider names.
    pub routes: Box<[Route]>,
    /// Model names; id = position + 1. Only ever extended.
    pub models: Vec<String>,
}

/// The providers that serve one model, by tier.
pub(crate) struct Route {
    /// Best tier first.
    pub tiers: Box<[Tier]>,
    /// What is learned of the size of the model's answers, where that is asked for.
    outputs: Option<Arc<Outputs>>,
}

/// The providers of one tier that serve one model, in configuration order.
pub(crate) struct Tier {
    pub places: Box<[Place]>,
    pub members: Box<[Member]>,
    /// Whether the weights differ.
    pub weighted: bool,
    /// Whether any member has something in common with others.
    pub shares: bool,
    /// Their sum.
    pub weight: f64,
    /// For draws by weight from each block of 64.
    pub wheels: Box<[Wheel]>,
    pub chooser: Chooser,
}

/// Where a provider's state is, with what a scan of all candidates needs besides.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub slot: Arc<Slot>,
    pub tenancy: Tenancy,
    /// What it has in common with others, if anything.
    pub sharing: Option<Arc<Sharing>>,
    /// Proportional to 1 / weight, because a scan multiplies where a division would cost four times as much. Whole
    /// wherever it can be, so that equal loads per weight stay exactly equal: 3 per 3 and 1 per 1 are a tie.
    pub inverse_weight: f64,
}

/// What a strategy may know of a provider besides its load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    pub id: ProviderId,
    /// See [`ProviderConfig::tag`].
    pub tag: u64,
    /// Relative weight as a float, for comparisons.
    pub weight: f64,
    /// The same weight in whole units, for exact sequences; ≥ 1.
    pub units: u64,
    pub cost: Option<Cost>,
    /// Hash of its name, the same in every process.
    pub hash: u64,
}

impl Place {
    /// The quota group it belongs to.
    #[inline]
    pub fn group(&self) -> Option<&Arc<Group>> {
        self.sharing.as_ref().and_then(|sharing| sharing.group.as_ref())
    }

    /// What an attempt of this request reserves there.
    pub fn cost(&self, request: &Request) -> TokenCost {
        self.sharing.as_ref().map_or_else(|| cost(request), |sharing| sharing.cost(request))
    }

    /// The same place, whose reservations follow what is learned.
    fn learning(&self, learned: Option<Learned>) -> Place {
        if learned.is_none() {
            return self.clone();
        }
        Place { sharing: Some(Arc::new(Sharing { group: self.group().cloned(), learned })), ..self.clone() }
    }
}

impl Pool {
    /// The first generation.
    pub fn new(config: Config, arena: &Arena, landlord: &mut Landlord) -> Result<Pool, ConfigError> {
        Pool::build(config, None, Nanos::ZERO, arena, landlord)
    }

    /// The next generation: providers with a known name keep their slot, with what was learned and what is in flight.
    pub fn next(&self, config: Config, now: Nanos, arena: &Arena, landlord: &mut Landlord) -> Result<Pool, ConfigError> {
        Pool::build(config, Some(self), now, arena, landlord)
    }

    fn build(config: Config, old: Option<&Pool>, now: Nanos, arena: &Arena, landlord: &mut Landlord) -> Result<Pool, ConfigError> {
        config.check()?;
        let places = places(&config, old, now, arena, landlord)?;
        let mut models = old.map_or_else(Vec::new, |old| old.models.clone());
        let mut known: HashSet<&str> = old.into_iter().flat_map(|old| &old.models).map(String::as_str).collect();
        for model in config.providers.iter().flat_map(|provider| &provider.models) {
            if known.insert(model) {
                models.push(model.clone());
            }
        }
        let (members, learners, listed) = (members(&config), learners(&config), listed(&config));
        let parts = Parts { config: &config, places: &places, members: &members, learners: &learners, listed: &listed };
        let mut shelf = Shelf::default();
        let named = models.iter().map(|model| Some(model.as_str()));
        // Route 0 is for requests without a model, 1…n for the named ones, n + 1 for models that nobody names.
        let routes = std::iter::once(None).chain(named).chain([Some("")]).enumerate();
        let routes = routes
            .map(|(position, model)| {
                let predecessor = old.and_then(|old| old.route_at(position, models.len() + 1));
                Route::build(parts, model, predecessor, &mut shelf)
            })
            .collect();
        let draws = Draws::root(config.seed, Stream::Pick);
        Ok(Pool { config, places, shut_slots: Arc::clone(landlord.shut_slots()), draws, routes, models })
    }

    /// The id of a model name. Every name that no provider lists shares one id.
    pub fn model(&self, name: &str) -> ModelId {
        let position = self.models.iter().position(|model| model == name);
        ModelId(position.map_or(u16::MAX, |position| position as u16 + 1))
    }

    /// The route of a model.
    #[inline]
    pub fn route(&self, model: ModelId) -> &Route {
        let last = self.routes.len() - 1;
        &self.routes[(model.0 as usize).min(last)]
    }

    /// The predecessor of route `position` of a generation whose last route is `last`.
    fn route_at(&self, position: usize, last: usize) -> Option<&Route> {
        if position == last { self.routes.last() } else { self.routes[..self.routes.len() - 1].get(position) }
    }
}

fn places(config: &Config, old: Option<&Pool>, now: Nanos, arena: &Arena, landlord: &mut Landlord) -> Result<Box<[Place]>, ConfigError> {
    let former = old.into_iter().flat_map(|old| old.config.providers.iter().zip(old.places.iter()));
    let former = former.map(|(provider, place)| (provider.name.as_str(), (provider, place)));
    let known: HashMap<&str, (&ProviderConfig, &Place)> = former.collect();
    let was_counted = |provider: &ProviderConfig| old.map_or_else(Limits::default, |old| counted_limits(&old.config, provider));
    // Everything that can fail comes first: a refused configuration must leave no trace in slots that are in use.
    let ledgers = config.providers.iter().map(|provider| {
        Ledger::new(&counted_limits(config, provider)).map_err(|error| ConfigError::Limits { provider: provider.name.clone(), error })
    });
    let ledgers: Vec<Ledger> = ledgers.collect::<Result<_, _>>()?;
    let groups = groups(config, old, &ledgers, now);
    landlord.ejected().resize(config.outlier_detection.as_ref(), config.providers.len());
    let places = config.providers.iter().zip(ledgers).zip(inverse_weights(config)).map(|((provider, ledger), inverse_weight)| {
        let group = provider.quota_group.as_ref().and_then(|name| groups.get(name.as_str()).cloned());
        let sharing = group.map(|group| Arc::new(Sharing { group: Some(group), learned: None }));
        if let Some((former, place)) = known.get(provider.name.as_str()) {
            let limits = counted_limits(config, provider);
            let changed = (was_counted(former) != limits).then_some(&limits);
            place.slot.with(|core| core.reconfigure(now, config, provider, inverse_weight, changed));
            return Place { inverse_weight, sharing, ..(*place).clone() };
        }
        let salt = config.seed ^ name_hash(&provider.name);
        let core = Core::new(config, provider, inverse_weight, ledger, Arc::clone(landlord.ejected()), salt);
        let (slot, tenancy) = landlord.let_to(arena, core);
        Place { slot, tenancy, sharing, inverse_weight }
    });
    let places: Box<[Place]> = places.collect();
    // Those that leave must not count as shut for ever; the leases they still have are settled as before.
    let old = old.map_or(&[][..], |old| &old.places);
    let gone = old.iter().filter(|place| position(&places, place).is_none());
    gone.for_each(|place| landlord.retire(&place.slot, place.tenancy));
    Ok(places)
}

/// Who lists a model, by position.
fn listed(config: &Config) -> HashMap<&str, HashSet<usize>> {
    let mut listed: HashMap<&str, HashSet<usize>> = HashMap::new();
    for (index, provider) in config.providers.iter().enumerate() {
        provider.models.iter().for_each(|model| _ = listed.entry(model).or_default().insert(index));
    }
    listed
}

/// Where reservations follow the sizes of answers, the most that the limits which count for a provider ever admit.
fn learners(config: &Config) -> Vec<Option<Most>> {
    if !config.quota || config.output_estimate == OutputEstimate::MaxTokens {
        return vec![None; config.providers.len()];
    }
    let keepers = config.providers.iter().map(|provider| config.quota_keeper(provider));
    keepers.map(|keeper| (keeper.limits.charge == Charge::Actual).then(|| Most::of(&keeper.limits))).collect()
}

/// The limits that are counted for a provider.
fn counted_limits(config: &Config, provider: &ProviderConfig) -> Limits {
    if config.quota { provider.limits.clone() } else { Limits::default() }
}

/// The quota groups by name; those that the old generation had keep what was used of them.
fn groups<'a>(config: &'a Config, old: Option<&Pool>, ledgers: &[Ledger], now: Nanos) -> HashMap<&'a str, Arc<Group>> {
    let known = |name: &str| {
        let members = old.into_iter().flat_map(|old| old.config.providers.iter().zip(old.places.iter()));
        let mut members = members.filter(|(provider, _)| provider.quota_group.as_deref() == Some(name));
        let (first, place) = members.next()?;
        let config = &old?.config;
        Some((counted_limits(config, config.quota_keeper(first)), Arc::clone(place.group()?)))
    };
    let mut groups = HashMap::new();
    for (provider, ledger) in config.providers.iter().zip(ledgers) {
        let Some(name) = provider.quota_group.as_deref() else { continue };
        if !std::ptr::eq(provider, config.quota_keeper(provider)) {
            continue;
        }
        let cap = cooldown_max(config.outlier_detection.as_ref());
        let member = || {
            let Some((former, group)) = known(name) else {
                return Arc::new(Group::new(ledger.clone(), config.quota, cap, config.seed ^ name_hash(name)));
            };
            let limits = counted_limits(config, provider);
            group.reconfigure(now, config.quota, cap, (former != limits).then_some(&limits));
            group
        };
        groups.entry(name).or_insert_with(member);
    }
    groups
}

/// See [`Place::inverse_weight`]: the least common multiple of the weights over each, or plain inverses if it is huge.
fn inverse_weights(config: &Config) -> Vec<f64> {
    let units = config.weight_units();
    let common = units.iter().try_fold(1_u64, |common, unit| (common / gcd(common, *unit)).checked_mul(*unit));
    // Times a number in flight below 2^21 that is still a whole number in a float.
    match common.filter(|common| *common <= 1 << 32) {
        Some(common) => units.iter().map(|unit| (common / unit) as f64).collect(),
        None => units.iter().map(|unit| 1.0 / *unit as f64).collect(),
    }
}

fn members(config: &Config) -> Vec<Member> {
    let units = config.weight_units();
    let providers = config.providers.iter().zip(units).enumerate();
    providers
        .map(|(index, (provider, units))| Member {
            id: ProviderId(index as u16),
            tag: provider.tag,
            weight: provider.weight.unwrap_or(1.0),
            units,
            cost: provider.cost,
            hash: name_hash(&provider.name),
        })
        .collect()
}

/// FNV-1a over the name, then mixed: stable across processes and versions (Fowler, Noll, Vo; RFC 9923).
fn name_hash(name: &str) -> u64 {
    let fnv = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    rng::mix(fnv)
}

/// What routes are made of; everything in configuration order.
#[derive(Clone, Copy)]
struct Parts<'a> {
    config: &'a Config,
    places: &'a [Place],
    members: &'a [Member],
    learners: &'a [Option<Most>],
    /// Who lists a model, by position.
    listed: &'a HashMap<&'a str, HashSet<usize>>,
}

impl Route {
    fn build(parts: Parts<'_>, model: Option<&str>, old: Option<&Route>, shelf: &mut Shelf) -> Route {
        let Parts { config, members, learners, .. } = parts;
        let listed = model.and_then(|model| parts.listed.get(model));
        let serves = |member: &&Member| {
            let index = member.id.index();
            model.is_none() || config.providers[index].models.is_empty() || listed.is_some_and(|listed| listed.contains(&index))
        };
        let priority = |member: &Member| config.providers[member.id.index()].priority;
        let mut serving: Vec<Member> = members.iter().filter(serves).copied().collect();
        // Stable: within a tier the configuration order stays.
        serving.sort_by_key(priority);
        let learns = serving.iter().any(|member| learners[member.id.index()].is_some());
        let known = old.and_then(|old| old.outputs.as_ref());
        let outputs = if learns { Outputs::next(config.output_estimate, known) } else { None };
        let tiers = serving.chunk_by(|a, b| priority(a) == priority(b));
        let tiers = tiers.map(|members| Tier::build(parts, members, outputs.as_ref(), old, shelf)).collect();
        Route { tiers, outputs }
    }
}

impl Tier {
    fn build(parts: Parts<'_>, members: &[Member], outputs: Option<&Arc<Outputs>>, old: Option<&Route>, shelf: &mut Shelf) -> Tier {
        let place = |member: &Member| {
            let learned = parts.learners[member.id.index()].zip(outputs);
            parts.places[member.id.index()].learning(learned.map(|(most, outputs)| Learned { outputs: Arc::clone(outputs), most }))
        };
        let places: Box<[Place]> = members.iter().map(place).collect();
        let fresh = Chooser::new(parts.config, members, shelf);
        // The old tier that shares a provider with this one has the memory to carry over.
        let predecessor =
            old.and_then(|old| old.tiers.iter().find(|tier| tier.places.iter().any(|place| position(&places, place).is_some())));
        let chooser = match predecessor {
            Some(tier) => fresh.successor(&tier.chooser, &|old_position| position(&places, &tier.places[old_position]), tier.places.len()),
            None => fresh,
        };
        let weighted = members.iter().any(|member| member.units != members[0].units);
        let weight = members.iter().map(|member| member.weight).fold(0.0, |sum, weight| sum + weight);
        Tier {
            shares: places.iter().any(|place| place.sharing.is_some()),
            places,
            members: members.into(),
            weighted,
            weight,
            wheels: members.chunks(64).map(|block| Wheel::new(block.iter().map(|member| member.units))).collect(),
            chooser,
        }
    }
}

fn position(places: &[Place], place: &Place) -> Option<usize> {
    places.iter().position(|other| other.tenancy == place.tenancy)
}
