using System.Diagnostics;
using System.Globalization;
using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Hosting;
using static Comet.AspNetCore.Tests.Hosting.NewsApp;

namespace Comet.AspNetCore.Tests.Feeds;

/// <summary>
/// Numbered messages to readers whose connections break at random while they are published: each reader has all of them, in order, once.
/// The long run, with as many seeds as wanted:
/// <code>COMET_SEEDS=10 dotnet test --project tests/Comet.AspNetCore.Tests --filter-class "*RecoveryTests" --output Detailed</code>
/// </summary>
public class RecoveryTests(ITestOutputHelper output)
{
    public static TheoryData<string, int> Runs =>
        int.TryParse(Environment.GetEnvironmentVariable("COMET_SEEDS"), out var seeds)
            ? [.. Enumerable.Range(1, seeds).Select(seed => (nameof(Wire.Direct), seed))]
            : [.. Enum.GetNames<Wire>().Select((wire, i) => (wire, i + 1))];

    [Theory, MemberData(nameof(Runs))]
    public Task Readers_that_are_cut_miss_nothing(string wire, int seed) => Environment.GetEnvironmentVariable("COMET_SEEDS") is null
        ? RunAsync(Enum.Parse<Wire>(wire), seed, messages: 2_000, perSecond: 2_000, readers: 20, cuts: 20)
        : RunAsync(Enum.Parse<Wire>(wire), seed, messages: 10_000, perSecond: 1_000, readers: 50, cuts: 20);

    private async Task RunAsync(Wire wire, int seed, int messages, int perSecond, int readers, int cuts)
    {
        await using var app = await StartAsync(wire, feed => feed.Retain = messages);
        var random = new Random(seed);
        var clock = Stopwatch.StartNew();
        var duration = TimeSpan.FromSeconds((double)messages / perSecond);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(duration + Eventually.Patience);
        var crowd = Enumerable.Range(0, readers).Select(i =>
        {
            var own = new Random(random.Next());
            var cutsAt = Enumerable.Range(0, cuts).Select(_ => duration * own.NextDouble()).Order();
            return new Reader(app.Client, (CometFormat)(i % 3), own, messages, clock, new(cutsAt));
        }).ToList();
        var reading = Task.WhenAll(crowd.Select(reader => reader.RunAsync(deadline.Token)));

        for (var published = 0; published < messages;)
        {
            await Task.Delay(5, deadline.Token);
            for (var due = Math.Min(messages, clock.Elapsed.TotalSeconds * perSecond); published < due;)
            {
                if (++published == messages)
                {
                    await Task.WhenAll(crowd.Select(reader => reader.LastCut)).WaitAsync(deadline.Token); // none is done before
                }
                await app.News().PublishAsync(published.ToString(CultureInfo.InvariantCulture));
            }
        }

        await reading;
        output.WriteLine(
            $"seed {seed}: {readers} readers over {wire}, {messages} messages in {clock.Elapsed.TotalSeconds:0.0} s, " +
            $"{crowd.Sum(reader => reader.Cuts)} cuts, " +
            $"{crowd.Count(reader => reader.Failure is null)} readers had 1..{messages} in order, without a gap or a duplicate");
        Assert.All(crowd, reader =>
        {
            Assert.True(reader.Failure is null, $"Seed {seed}: {reader.Failure}");
            Assert.Equal(cuts, reader.Cuts);
        });
        await app.NoStreamIsOpenAsync();
    }

    /// <summary>Reconnects and resumes as CometSource does, but drops no duplicate: there must be none.</summary>
    private sealed class Reader(HttpClient client, CometFormat format, Random random, int messages, Stopwatch clock, Queue<TimeSpan> cutsAt)
    {
        private string _lastId = "earliest";
        private int _next = 1;
        private readonly TaskCompletionSource _lastCut = new(TaskCreationOptions.RunContinuationsAsynchronously);

        internal int Cuts { get; private set; }

        internal string? Failure { get; private set; }

        /// <summary>Completes when no cut is left to come, or the reader gave up.</summary>
        internal Task LastCut => _lastCut.Task;

        internal async Task RunAsync(CancellationToken cancellationToken)
        {
            while (_next <= messages && Failure is null)
            {
                using var cut = new CancellationTokenSource();
                if (cutsAt.Count == 0)
                {
                    _lastCut.TrySetResult();
                }
                if (cutsAt.TryDequeue(out var at))
                {
                    cut.CancelAfter(at > clock.Elapsed ? at - clock.Elapsed : TimeSpan.Zero);
                }
                try
                {
                    await ReadAsync(cut.Token, cancellationToken);
                }
                catch (CutStream.CutException)
                {
                    Cuts++;
                }
                await Task.Delay(random.Next(20), cancellationToken);
            }
            _lastCut.TrySetResult();
        }

        private async Task ReadAsync(CancellationToken cut, CancellationToken cancellationToken)
        {
            using var request = client.NewRequest("/");
            request.Headers.Add("Accept", MediaTypes.Of(format));
            request.Headers.Add("Last-Event-ID", _lastId);
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            response.EnsureSuccessStatusCode();
            await using var body = new CutStream(await response.Content.ReadAsStreamAsync(cancellationToken), cut, random.Next(2000));
            await foreach (var message in CometReader.ReadAsync(body, format, cancellationToken))
            {
                switch (message.Kind)
                {
                    case CometMessageKind.Open when message.Recovered is true:
                        _lastId = message.Id!;
                        break;
                    case CometMessageKind.Message when message.Value.ToString() == _next.ToString(CultureInfo.InvariantCulture):
                        _lastId = message.Id!;
                        if (++_next > messages)
                        {
                            return;
                        }
                        break;
                    case CometMessageKind.Heartbeat:
                        break;
                    default:
                        Failure = $"instead of message {_next} after {_lastId} came {message}";
                        return;
                }
            }
        }
    }
}
