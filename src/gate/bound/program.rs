//! The linear programs at mean sizes, solved by the simplex method (microlp).

use microlp::{ComparisonOp, OptimizationDirection, Problem, Solution, Variable};

use super::requests::{ClassCosts, Requests};
use super::resource::Resources;

/// A plan's program.
pub struct Program<'a> {
    resources: &'a Resources,
    classes: Vec<ClassCosts>,
}

impl<'a> Program<'a> {
    /// For the resources and the mean costs of the requests.
    pub fn new(resources: &'a Resources, requests: &Requests<'_>) -> Program<'a> {
        Program { resources, classes: requests.costs(resources) }
    }

    /// Prices of the resources: the solution of the dual program
    ///
    /// > min Σ_c capacity_c · y_c + Σ_j requests_j · u_j, where u_j + Σ_c cost_cij · y_c ≥ 1 for each class j and provider i
    ///
    /// `None` where it cannot be solved, which costs tightness, not truth.
    pub fn prices(&self) -> Option<Vec<f64>> {
        let mut problem = Problem::new(OptimizationDirection::Minimize);
        // Prices are per unit of what there is, so that all coefficients are of one size.
        let prices: Vec<Variable> = self.resources.all.iter().map(|_| problem.add_var(1.0, (0.0, f64::INFINITY))).collect();
        for class in &self.classes {
            let left_over = problem.add_var(class.possible / self.total(), (0.0, f64::INFINITY));
            for (provider, costs) in &class.at {
                let terms = self.resources.of_provider[*provider].iter().zip(costs);
                let terms = terms.map(|(at, cost)| (prices[*at], cost * self.total() / self.capacity(*at)));
                let row: Vec<(Variable, f64)> = terms.chain([(left_over, 1.0)]).collect();
                problem.add_constraint(&row[..], ComparisonOp::Ge, 1.0);
            }
        }
        let solution = solve(&problem)?;
        let unit = |at: usize| self.total() / self.capacity(at);
        Some((0..prices.len()).map(|at| (solution.var_value(prices[at]) * unit(at)).max(0.0)).collect())
    }

    /// Requests that can be good where each class gets the same part of what it offers.
    pub fn mix(&self) -> f64 {
        let mut problem = Problem::new(OptimizationDirection::Maximize);
        let part = problem.add_var(1.0, (0.0, 1.0));
        let mut uses: Vec<Vec<(Variable, f64)>> = vec![Vec::new(); self.resources.all.len()];
        for class in &self.classes {
            let mut row = vec![(part, -class.possible / self.total())];
            for (provider, costs) in &class.at {
                let served = problem.add_var(0.0, (0.0, f64::INFINITY));
                row.push((served, 1.0));
                for (at, cost) in self.resources.of_provider[*provider].iter().zip(costs) {
                    uses[*at].push((served, cost * self.total() / self.capacity(*at)));
                }
            }
            problem.add_constraint(&row[..], ComparisonOp::Eq, 0.0);
        }
        for row in uses.iter().filter(|row| !row.is_empty()) {
            problem.add_constraint(&row[..], ComparisonOp::Le, 1.0);
        }
        let possible: f64 = self.classes.iter().map(|class| class.possible).sum();
        solve(&problem).map_or(possible, |solution| solution.objective() * possible)
    }

    /// All requests, the unit of the programs.
    fn total(&self) -> f64 {
        self.classes.iter().map(|class| class.requests).sum::<f64>().max(1.0)
    }

    /// Never zero: nothing can be divided by that.
    fn capacity(&self, at: usize) -> f64 {
        self.resources.all[at].capacity.max(1e-9)
    }
}

fn solve(problem: &Problem) -> Option<Solution> {
    problem.solve().ok()?.into_solution().ok()
}
