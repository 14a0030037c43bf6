//! The tasks of a run: which there are, which may be done now, and which came to nothing. Pure.
//!
//! Equal tasks are merged; a task equal to one of its ancestors is a cursor that loops (rule R7). A task that
//! waits for a vendor stands aside until its time. The store keeps the same tasks under the same numbers; a run that goes
//! on begins with what is there.

use crate::failure::{Failure, Reason};
use crate::limits::Limits;
use crate::model::Task;
use crate::store::{FollowUp, StoredTask};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

/// A task's place in the run.
pub type Node = u32;

#[derive(Debug)]
struct Entry {
    /// None for the first call of a run.
    task: Option<Task>,
    parent: Option<Node>,
    /// How many tasks it follows from, and one of them much further up: so a task far above is found in few steps.
    depth: u32,
    jump: Node,
    rechecked: bool,
    /// How often it was put back for a vendor.
    delays: u32,
    /// How often it was begun since the store was told.
    tries: u32,
}

impl Entry {
    fn new(task: Option<Task>, parent: Option<Node>, (depth, jump): (u32, Node)) -> Entry {
        Entry { task, parent, depth, jump, rechecked: false, delays: 0, tries: 0 }
    }
}

/// The tasks of a run.
#[derive(Debug)]
pub struct Queue {
    entries: Vec<Entry>,
    known: HashMap<Task, Node>,
    ready: VecDeque<Node>,
    delayed: BTreeSet<(Instant, Node)>,
    payload_bytes: u64,
    /// The end of the waiting so far, and its sum: waits that overlap count once.
    waits_until: Option<Instant>,
    waited: Duration,
}

impl Default for Queue {
    fn default() -> Queue {
        Queue {
            entries: vec![Entry::new(None, None, (0, 0))],
            known: HashMap::new(),
            ready: VecDeque::from([0]),
            delayed: BTreeSet::new(),
            payload_bytes: 0,
            waits_until: None,
            waited: Duration::ZERO,
        }
    }
}

impl Queue {
    /// The tasks of a run that goes on: those that are not done are to be done. None where they do not fit together.
    pub fn restore(tasks: Vec<StoredTask>) -> Option<Queue> {
        let mut queue = Queue { ready: VecDeque::new(), entries: Vec::new(), ..Queue::default() };
        for stored in tasks {
            let node = Node::try_from(queue.entries.len()).ok()?;
            let is_first = node == 0;
            let fits = stored.id == node && stored.parent.is_none_or(|parent| parent < node);
            if !fits || is_first != stored.task.is_none() || is_first != stored.parent.is_none() {
                return None;
            }
            if let Some(task) = &stored.task {
                queue.payload_bytes += weight(task);
                queue.known.insert(task.clone(), node);
            }
            let place = stored.parent.map_or((0, 0), |parent| queue.below(parent));
            queue.entries.push(Entry::new(stored.task, stored.parent, place));
            if !stored.done {
                queue.ready.push_back(node);
            }
        }
        (!queue.entries.is_empty()).then_some(queue)
    }

    /// A task that may be done now.
    pub fn next(&mut self, now: Instant) -> Option<Node> {
        while let Some((due, node)) = self.delayed.first().copied().filter(|(due, _)| *due <= now) {
            self.delayed.remove(&(due, node));
            self.ready.push_back(node);
        }
        let node = self.ready.pop_front()?;
        if let Some(entry) = self.entries.get_mut(node as usize) {
            entry.tries += 1;
        }
        Some(node)
    }

    /// How often the task was begun since this was asked the last time.
    pub fn take_tries(&mut self, node: Node) -> u32 {
        self.entries.get_mut(node as usize).map_or(0, |e| std::mem::take(&mut e.tries))
    }

    /// When the next delayed task may be done.
    pub fn next_due(&self) -> Option<Instant> {
        self.delayed.first().map(|(due, _)| *due)
    }

    /// Tasks that are not being done and not done.
    pub fn waiting(&self) -> usize {
        self.ready.len() + self.delayed.len()
    }

    /// Tasks in all, the first call included.
    pub fn total(&self) -> usize {
        self.entries.len()
    }

    /// What to do; none for the first call of a run.
    pub fn task(&self, node: Node) -> Option<&Task> {
        self.entries.get(node as usize).and_then(|e| e.task.as_ref())
    }

    /// The task's name for people.
    pub fn name(&self, node: Node) -> String {
        self.task(node).map_or_else(|| "sync".to_owned(), ToString::to_string)
    }

    /// Adds the tasks that follow from one: all of them, or none and the rule they break. The answer are those that are new.
    ///
    /// # Errors
    /// A loop, or a limit.
    pub fn follow(&mut self, parent: Node, tasks: Vec<Task>, limits: &Limits) -> Result<Vec<FollowUp>, Failure> {
        for task in &tasks {
            if self.is_ancestor(parent, task) {
                let message = format!("the task {task} follows from itself: a cursor that loops");
                return Err(Failure::new(Reason::Contract, message));
            }
        }
        let mut new = Vec::new();
        for task in tasks {
            if self.known.contains_key(&task) {
                continue;
            }
            let node = Node::try_from(self.entries.len() + new.len()).unwrap_or(Node::MAX);
            self.known.insert(task.clone(), node);
            new.push(FollowUp { id: node, task });
        }
        let payload_bytes = self.payload_bytes + new.iter().map(|n| weight(&n.task)).sum::<u64>();
        let count = (self.entries.len() + new.len()) as u64;
        if count > limits.tasks || payload_bytes > limits.payloads_bytes {
            for next in &new {
                self.known.remove(&next.task);
            }
            let message = format!(
                "the connector named more than {} tasks or {} bytes of payload in a run",
                limits.tasks, limits.payloads_bytes
            );
            let limit = if payload_bytes > limits.payloads_bytes { "payloads" } else { "tasks" };
            return Err(Failure::limit(limit, message));
        }
        self.payload_bytes = payload_bytes;
        let place = self.below(parent);
        for next in &new {
            self.entries.push(Entry::new(Some(next.task.clone()), Some(parent), place));
            self.ready.push_back(next.id);
        }
        Ok(new)
    }

    /// Depth and jump of a task that follows from `parent` (Myers, "An applicative random-access stack", 1983).
    fn below(&self, parent: Node) -> (u32, Node) {
        let depth = |n: Node| self.entries.get(n as usize).map_or(0, |e| e.depth);
        let jump = |n: Node| self.entries.get(n as usize).map_or(0, |e| e.jump);
        let (near, far) = (jump(parent), jump(jump(parent)));
        let even = depth(parent) - depth(near) == depth(near) - depth(far);
        (depth(parent) + 1, if even { far } else { parent })
    }

    /// Whether the task is `from` or one that `from` follows from.
    fn is_ancestor(&self, from: Node, task: &Task) -> bool {
        let Some(node) = self.known.get(task).copied() else { return false };
        let wanted = self.entries.get(node as usize).map_or(0, |e| e.depth);
        let mut at = from;
        while let Some(entry) = self.entries.get(at as usize) {
            if entry.depth <= wanted {
                return at == node;
            }
            let jumped = self.entries.get(entry.jump as usize).map_or(0, |e| e.depth);
            match entry.parent {
                Some(parent) if jumped < wanted => at = parent,
                Some(_) => at = entry.jump,
                None => return false,
            }
        }
        false
    }

    /// Puts a task back that a vendor asked to wait for. A vendor that says the same short time again and again is
    /// asked less and less often; the answer is the time that counts.
    ///
    /// # Errors
    /// The wait does not fit into what a run may wait; the task fails at once.
    pub fn delay(&mut self, node: Node, wait: Duration, now: Instant, max_wait: Duration) -> Result<Duration, Failure> {
        let delays = self.entries.get(node as usize).map_or(0, |e| e.delays);
        let least = Duration::from_secs(1 << delays.min(6)) / 2;
        let left = max_wait.saturating_sub(self.waited);
        // Growing must not be what ends a run whose vendor asked for less.
        let wait = wait.max(least.min(left));
        let until = now + wait;
        let from = self.waits_until.map_or(now, |w| w.max(now));
        let more = until.saturating_duration_since(from);
        if self.waited + more > max_wait {
            let message = format!(
                "the vendor asks to wait {} s; the run has waited {} s of the {} s it may",
                wait.as_secs(),
                self.waited.as_secs(),
                max_wait.as_secs()
            );
            return Err(Failure::new(Reason::Unavailable, message)
                .with_help("try again later, or raise max-wait under [connection.run]"));
        }
        self.waited += more;
        self.waits_until = Some(from.max(until));
        self.delayed.insert((until, node));
        if let Some(entry) = self.entries.get_mut(node as usize) {
            entry.delays += 1;
        }
        Ok(wait)
    }

    /// Puts a task back after the credential was proved again; `false` if that was done before.
    pub fn again(&mut self, node: Node) -> bool {
        match self.entries.get_mut(node as usize) {
            Some(entry) if !entry.rechecked => {
                entry.rechecked = true;
                self.ready.push_back(node);
                true
            }
            _ => false,
        }
    }

    /// Whether the task was tried again after a check already.
    pub fn was_rechecked(&self, node: Node) -> bool {
        self.entries.get(node as usize).is_some_and(|e| e.rechecked)
    }

    /// How long the run waited for the vendor.
    pub fn waited(&self) -> Duration {
        self.waited
    }
}

/// What a task counts as, in bytes.
fn weight(task: &Task) -> u64 {
    (task.kind.len() + task.payload.len()) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(payload: &str) -> Task {
        Task { kind: "page".into(), payload: payload.into() }
    }

    fn drain(queue: &mut Queue) -> Vec<String> {
        std::iter::from_fn(|| queue.next(Instant::now())).map(|n| n.to_string()).collect()
    }

    #[test]
    fn equal_tasks_are_merged() {
        let mut queue = Queue::default();
        let root = queue.next(Instant::now()).expect("root");
        queue.follow(root, vec![task("1"), task("2"), task("1")], &Limits::default()).expect("followed");
        queue.follow(root, vec![task("2")], &Limits::default()).expect("followed");
        assert_eq!(drain(&mut queue), ["1", "2"]);
    }

    #[test]
    fn a_task_that_follows_from_itself_is_refused_with_its_siblings() {
        let mut queue = Queue::default();
        let limits = Limits::default();
        let root = queue.next(Instant::now()).expect("root");
        queue.follow(root, vec![task("1")], &limits).expect("followed");
        let one = queue.next(Instant::now()).expect("one");
        queue.follow(one, vec![task("2")], &limits).expect("followed");
        let two = queue.next(Instant::now()).expect("two");
        let error = queue.follow(two, vec![task("3"), task("1")], &limits).expect_err("loop");
        assert_eq!(error.reason, Reason::Contract);
        assert_eq!(queue.waiting(), 0, "nothing of a refused answer counts");
        let own = queue.follow(two, vec![task("2")], &limits).expect_err("itself");
        assert_eq!(own.reason, Reason::Contract);
    }

    #[test]
    fn in_a_long_chain_every_ancestor_is_known_and_nobody_else() {
        let mut queue = Queue::default();
        let limits = Limits::default();
        let mut at = queue.next(Instant::now()).expect("root");
        for n in 0..300 {
            // Each has a sibling that is no ancestor of what follows.
            queue.follow(at, vec![task(&n.to_string()), task(&format!("sibling {n}"))], &limits).expect("followed");
            at = queue.known[&task(&n.to_string())];
        }
        for n in 0..300 {
            assert!(queue.is_ancestor(at, &task(&n.to_string())), "{n}");
            assert!(!queue.is_ancestor(at, &task(&format!("sibling {n}"))), "{n}");
        }
    }

    #[test]
    fn tasks_of_a_run_are_bounded() {
        let limits = Limits { tasks: 3, ..Limits::default() };
        let mut queue = Queue::default();
        let root = queue.next(Instant::now()).expect("root");
        queue.follow(root, vec![task("1"), task("2")], &limits).expect("two fit");
        assert_eq!(queue.follow(root, vec![task("3")], &limits).expect_err("third").reason, Reason::Limit);
        let limits = Limits { payloads_bytes: 10, ..Limits::default() };
        let mut queue = Queue::default();
        assert!(queue.follow(root, vec![task("123456789")], &limits).is_err());
    }

    #[test]
    fn waits_that_overlap_count_once_and_are_bounded() {
        let (s, max) = (Duration::from_secs, Duration::from_secs(100));
        let now = Instant::now();
        let mut queue = Queue::default();
        let root = queue.next(now).expect("root");
        queue.follow(root, vec![task("1"), task("2"), task("3")], &Limits::default()).expect("followed");
        let nodes: Vec<Node> = std::iter::from_fn(|| queue.next(now)).collect();
        queue.delay(nodes[0], s(60), now, max).expect("fits");
        queue.delay(nodes[1], s(60), now, max).expect("the same minute");
        assert_eq!(queue.waited(), s(60));
        assert_eq!(queue.next(now + s(59)), None);
        assert_eq!(queue.next(now + s(60)), Some(nodes[0]));
        let error = queue.delay(nodes[2], s(41), now + s(60), max).expect_err("too long");
        assert_eq!(error.reason, Reason::Unavailable);
        queue.delay(nodes[2], s(40), now + s(60), max).expect("fits");
    }

    #[test]
    fn a_vendor_that_is_never_ready_is_asked_less_and_less_often() {
        let (s, max) = (Duration::from_secs, Duration::from_secs(900));
        let mut queue = Queue::default();
        let mut now = Instant::now();
        let root = queue.next(now).expect("root");
        let mut asked = 0;
        while let Ok(wait) = queue.delay(root, s(1), now, max) {
            now += wait;
            assert_eq!(queue.next(now), Some(root));
            asked += 1;
        }
        assert!((20..60).contains(&asked), "{asked} times in 15 minutes");
        assert!(queue.waited() <= max);
    }

    #[test]
    fn a_task_is_tried_once_more_after_a_check() {
        let mut queue = Queue::default();
        let root = queue.next(Instant::now()).expect("root");
        assert!(queue.again(root));
        assert_eq!(queue.next(Instant::now()), Some(root));
        assert!(!queue.again(root));
    }
}
