using System.Globalization;
using CometBench.Load.Client;
using CometBench.Load.Reports;
using CometBench.Load.Servers;

namespace CometBench.Load.Suites;

/// <summary>
/// The library by itself: how its cost grows with the size of messages, the number of feeds, publishing threads and connections, and with
/// what lies between it and the client. The variants of a question take turns, so that a noisy minute of the machine falls on all of them.
/// </summary>
internal sealed class GrowthSuite(Settings settings)
{
    private const int Rooms = 1000;
    private const int PerRoom = 5;
    private const int BurstMessages = 200_000;

    private static readonly CultureInfo Invariant = CultureInfo.InvariantCulture;

    private readonly List<Finding> _findings = [];
    private Progress _progress = new(0);

    internal async Task RunAsync()
    {
        var table = "";
        (string Name, string What, int Steps, Func<Task> AskAsync)[] all =
        [
            ("sizes", "Sizes of messages", 4, SizesAsync),
            ("feeds", "Feeds", 2, FeedsAsync),
            ("several", "Several feeds on one connection", 5, SeveralAsync),
            ("threads", "Publishing threads", 3, ThreadsAsync),
            ("routes", "Routes", Nginx.IsInstalled ? 5 : 4, RoutesAsync),
            ("held", "Connections held", 2, HeldAsync),
            ("lanes", "Lanes", 2, LanesAsync),
        ];
        var questions = Array.FindAll(all, question => settings.Ask is [] || settings.Ask.Contains(question.Name));
        _progress = new Progress(settings.Runs * questions.Sum(static question => question.Steps));
        foreach (var (_, what, _, askAsync) in questions)
        {
            try
            {
                await askAsync();
            }
            catch (Exception exception) // whatever it is: the other questions are worth an answer all the same
            {
                Console.Error.WriteLine($"{what}: {exception.Message}");
                _findings.Add(new Finding(what, "-", $"measured; failed: {exception.Message}", false));
            }
            table = await Finding.WriteAsync(_findings, settings); // what an interrupted run leaves
        }
        Console.WriteLine();
        Console.WriteLine(table);
    }

    private async Task SizesAsync()
    {
        int[] sizes = [100, 1_000, 10_000, 100_000];
        var runs = await TakeTurnsAsync(
            [.. sizes.Select(size => new Variant($"{size:#,0} B", ServerKind.Comet, settings.Saturate) { Size = size })]);
        var cpu = Cpu(runs);
        Add(
            "Message of 100 B, 1 KB, 10 KB, 100 KB: CPU per delivery",
            $"{Spread.Text("0.0", cpu)} us",
            "a thousand times the bytes, far less than a thousand times the cost",
            cpu[3].Median < 100 * cpu[0].Median,
            runs);
    }

    // As many messages and deliveries a second either way.
    private async Task FeedsAsync()
    {
        var runs = await TakeTurnsAsync(
            new Variant("one feed", ServerKind.Comet, PerRoom) { Rate = Rooms },
            new Variant($"{Rooms:#,0} feeds", ServerKind.Comet with { Rooms = Rooms }, Rooms * PerRoom) { Rate = Rooms });
        var cpu = Cpu(runs);
        Add(
            $"One feed against {Rooms.ToString("#,0", Invariant)}, {Rooms} messages/s to {PerRoom} connections each: CPU per delivery",
            $"{Spread.Text("0.0", cpu)} us",
            "the same, but for the caches that more connections need",
            cpu[1].Median < 1.5 * cpu[0].Median,
            runs);
    }

    // As many messages and deliveries a second each time.
    private async Task SeveralAsync()
    {
        const int Feeds = 10;
        const int Rate = 500;
        var pages = settings.Saturate;
        var together = ServerKind.Comet with { Rooms = Feeds, IsTogether = true };
        var runs = await TakeTurnsAsync(
            Of("at once, one connection", together, pages, Feeds, Feeds),
            Of("at once, ten connections", ServerKind.Comet with { Rooms = Feeds }, pages * Feeds, Feeds, Feeds),
            Of("apart, one connection", together, pages, Feeds, 1),
            Of("apart, ten connections", ServerKind.Comet with { Rooms = Feeds }, pages * Feeds, Feeds, 1),
            Of("one feed", ServerKind.Comet with { Rooms = 1 }, pages, 1, 1));
        var cpu = Cpu(runs);
        Add(
            $"Ten feeds to {pages} pages, {Rate} messages/s: at once on one connection, on ten; evenly apart on one, on ten; one feed: " +
            "CPU per delivery",
            $"{Spread.Text("0.00", cpu)} us",
            "one connection costs less than ten at once, and no more apart",
            cpu[0].Median < cpu[1].Median && cpu[2].Median < 1.1 * cpu[3].Median,
            runs);

        Variant Of(string name, ServerKind kind, int connections, int feeds, int atOnce) => new(name, kind, connections)
        {
            Load = server => new Turns(server.Address, feeds, atOnce, Rate, settings.Duration, settings.Size),
        };
    }

    private async Task ThreadsAsync()
    {
        int[] threads = [1, 2, 8];
        var burst = ServerKind.Comet with { Feed = "/burst" };
        var runs = await TakeTurnsAsync([.. threads.Select(count => new Variant($"{count} publishing threads", burst, 10)
        {
            Load = server => new Burst(server.Address, count, BurstMessages, settings.Size),
        })]);
        var rates = runs.Select(variant => new Spread(variant.Select(figures => figures.AcceptedPerSecond))).ToArray();
        Add(
            $"Publishing from 1, 2 and 8 threads, {BurstMessages.ToString("#,0", Invariant)} messages in a burst: accepted per second",
            Spread.Text("#,0", rates),
            "no collapse: eight threads get through at least half of what one does",
            rates[2].Median > rates[0].Median / 2,
            runs);
    }

    private async Task RoutesAsync()
    {
        var n = 1000;
        var variants = new List<Variant>
        {
            new("plain HTTP/1.1", ServerKind.Comet, n),
            new("through Response.Body", ServerKind.Comet with { Arguments = ["--Portable", "true"] }, n),
            new("TLS, HTTP/1.1", ServerKind.Comet with { Route = Route.Tls }, n),
            new("TLS, HTTP/2, a connection for each stream", ServerKind.Comet with { Route = Route.Http2 }, n),
        };
        if (Nginx.IsInstalled)
        {
            variants.Add(new Variant("behind nginx", ServerKind.Comet with { Route = Route.Nginx }, n));
        }
        var runs = await TakeTurnsAsync([.. variants]);
        Line(1, "twice at most", 2);
        Line(2, "encryption of each write on top", 4);
        Line(3, "encryption and framing on top", 6);
        if (Nginx.IsInstalled)
        {
            Line(4, "the same for the server; nginx and its client take their time on the same cores", 1.5);
        }
        else
        {
            Console.Error.WriteLine("nginx is not installed: not measured.");
        }

        void Line(int i, string should, double most) => Add(
            $"{Capital(variants[i].Name)}, N = {n.ToString("#,0", Invariant)}: CPU per delivery, p50 / p99",
            $"{Text(runs[i])}; plain: {Text(runs[0])}",
            should,
            Cpu(runs)[i].Median < most * Cpu(runs)[0].Median,
            [runs[0], runs[i]]);

        static string Text(List<Figures> runs) =>
            $"{Spread.Text("0.0", Cpu([runs]))} us, " +
            $"{Spread.Text("0.0", new Spread(runs.Select(f => f.P50)), new Spread(runs.Select(f => f.P99)))} ms";
    }

    private async Task HeldAsync()
    {
        var held = DescriptorLimit.Cap(settings.Held);
        int[] counts = [held / 4, held];
        var watch = TimeSpan.FromSeconds(30);
        List<Figures>[] runs = [[], []];
        for (var run = 0; run < settings.Runs; run++)
        {
            await using var session = await Session.StartAsync(ServerKind.Comet, settings);
            foreach (var (n, figures) in counts.Zip(runs))
            {
                figures.Add(await session.IdleAsync(n, watch));
                _progress.Report(string.Create(
                    Invariant, $"{Measurement.Line(StageKind.Idle, figures[^1])}, {figures[^1].IdleCores:0.000} cores for {n:#,0}"));
            }
        }
        var bytes = runs.Select(figures => new Spread(figures.Select(f => f.BytesPerConnection))).ToArray();
        var cores = runs.Select(figures => new Spread(figures.Select(f => f.IdleCores))).ToArray();
        var heartbeat = (cores[1].Median - cores[0].Median) * 15e6 / (counts[1] - counts[0]);
        var at = string.Create(Invariant, $"{counts[0]:#,0} and {counts[1]:#,0} connections held");
        Add(
            $"{at}: memory of each",
            $"{Spread.Text("#,0", bytes)} bytes",
            "the same",
            bytes[1].Median < 1.1 * bytes[0].Median,
            runs);
        Add(
            $"{at}: CPU while nothing is published, a heartbeat every 15 s",
            string.Create(Invariant, $"{Spread.Text("0.000", cores)} cores; {heartbeat:0.0} us for each further heartbeat"),
            "in proportion to the connections",
            cores[1].Median < 1.5 * counts[1] / counts[0] * cores[0].Median,
            runs);
    }

    // The time from a message to its write to the last connection, which the server takes by itself.
    private async Task LanesAsync()
    {
        const int Messages = 20;
        var held = DescriptorLimit.Cap(settings.Held);
        List<double>[] passes = [[], []];
        using var http = new HttpClient();
        for (var run = 0; run < settings.Runs; run++)
        {
            foreach (var lanes in new[] { 1, 2 })
            {
                var kind = ServerKind.Comet with { Arguments = ["--Lanes", $"{lanes}", "--Passes", "true"] };
                await using var session = await Session.StartAsync(kind, settings);
                await session.IdleAsync(held, TimeSpan.Zero);
                var server = $"http://{session.Server.Address}";
                for (var message = 0; message < Messages; message++)
                {
                    await http.GetStringAsync($"{server}/passes?lanes=0"); // what came before
                    await http.PostAsync($"{server}/pub", new StringContent("a message"));
                    passes[lanes - 1].Add(double.Parse(await http.GetStringAsync($"{server}/passes?lanes={lanes}"), Invariant));
                    await Task.Delay(TimeSpan.FromSeconds(1)); // until the clients have read it
                }
                var sorted = passes[lanes - 1].TakeLast(Messages).Order().Select(static pass => pass.ToString("0", Invariant));
                _progress.Report($"{lanes} lanes: {string.Join(' ', sorted)} ms");
            }
        }
        var spreads = Array.ConvertAll(passes, static times => new Spread(times));
        Add(
            $"A message to {held.ToString("#,0", Invariant)} connections, one lane, two: until its last write",
            $"{Spread.Text("0.0", spreads)} ms",
            "less with two, on two cores or more",
            spreads[1].Median < spreads[0].Median,
            []);
    }

    private async Task<List<Figures>[]> TakeTurnsAsync(params Variant[] variants)
    {
        var runs = variants.Select(_ => new List<Figures>()).ToArray();
        for (var run = 0; run < settings.Runs; run++)
        {
            foreach (var (variant, figures) in variants.Zip(runs))
            {
                await using var session = await Session.StartAsync(variant.Kind, settings with { Size = variant.Size ?? settings.Size });
                var audience = variant.Kind.AudienceOf(variant.Connections);
                var load = variant.Load?.Invoke(session.Server) ??
                    new PacedLoad(variant.Rate ?? settings.Rate, audience, settings.Duration);
                figures.Add(await session.RunAsync(variant.Connections, load));
                _progress.Report($"{variant.Name,-24} {Measurement.Line(StageKind.Steady, figures[^1])}");
            }
        }
        return runs;
    }

    private void Add(string what, string figures, string should, bool does, IEnumerable<List<Figures>> runs)
    {
        var flawed = runs.SelectMany(variant => variant).FirstOrDefault(f => !f.IsFlawless);
        _findings.Add(new Finding(what, flawed is null ? figures : $"{figures}; {flawed.Flaws}", should, does && flawed is null));
    }

    private static Spread[] Cpu(IEnumerable<List<Figures>> runs) =>
        [.. runs.Select(variant => new Spread(variant.Select(figures => figures.CpuPerDelivery)))];

    private static string Capital(string text) => char.ToUpperInvariant(text[0]) + text[1..];

    private sealed record Variant(string Name, ServerKind Kind, int Connections)
    {
        internal int? Size { get; init; }

        internal double? Rate { get; init; }

        /// <summary>Null: the steady rate.</summary>
        internal Func<ServerUnderTest, LoadShape>? Load { get; init; }
    }
}
