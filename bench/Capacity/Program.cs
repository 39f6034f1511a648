using System.Globalization;
using CometBench.Capacity;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var costs = Assumptions.Usual;
Console.WriteLine("| assumed | value | from |");
Console.WriteLine("|---|---|---|");
foreach (var (what, value, from) in costs.Table)
{
    Console.WriteLine($"| {what} | {value} | {from} |");
}
foreach (var work in Workload.All)
{
    Console.WriteLine();
    Console.WriteLine($"**{work.Name}**");
    Console.WriteLine();
    Console.WriteLine("| browsers | servers | cells | streams per server | CPU | p50 | p99 with a server lost | fewer servers fail by |");
    Console.WriteLine("|---|---|---|---|---|---|---|---|");
    foreach (var audience in (double[])[10_000, 100_000, 1_000_000, 10_000_000, 100_000_000])
    {
        var plan = Plan.For(audience, work, costs);
        Console.WriteLine($"| {audience:N0} | {plan.Servers:N0} | {plan.Cells} | {audience / plan.Servers:N0} | {plan.Cpu:P0} | {plan.P50 * 1000:N0} ms | {plan.P99 * 1000:N0} ms | {plan.Saturated} |");
    }
    Console.WriteLine();
    Console.WriteLine("| servers | most browsers | limited by |");
    Console.WriteLine("|---|---|---|");
    foreach (var servers in (int[])[1, 10, 1000])
    {
        var (low, high, limit) = (1_000.0, 1_000_000_000.0, "");
        while (high / low > 1.01)
        {
            var middle = Math.Sqrt(low * high);
            // As many cells as the messages need, each of the same number of servers.
            var plan = Enumerable.Range(0, 11).Select(power => 1 << power).Where(cells => cells <= servers && servers % cells == 0)
                .Select(cells => Plan.Try(middle, work, costs, cells, servers / cells)).OrderBy(plan => plan.Saturated.Length > 0).First();
            (low, high, limit) = plan.Saturated.Length == 0 ? (middle, high, limit) : (low, middle, plan.Saturated);
        }
        Console.WriteLine($"| {servers:N0} | {Math.Floor(low / 1000) * 1000:N0} | {limit} |");
    }
}
