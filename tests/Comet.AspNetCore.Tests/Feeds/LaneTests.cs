using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using System.Threading.Tasks.Sources;
using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Feeds;
using Comet.AspNetCore.Formats;
using Comet.AspNetCore.Stores;
using Comet.AspNetCore.Tests.Hosting;
using Comet.AspNetCore.Transport;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Internal;

namespace Comet.AspNetCore.Tests.Feeds;

/// <summary>The loop by itself, with connections in memory and a clock of the test's own.</summary>
public sealed class LaneTests : IDisposable
{
    private static readonly TimeSpan Milliseconds3 = TimeSpan.FromMilliseconds(3);
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(1);

    private readonly ManualTime _time = new();
    private readonly ServiceProvider _provider;
    private readonly ConnectionServices _services;
    private readonly FeedTail _tail;
    private readonly Lane _lane;
    private readonly FeedCore _feed;
    private readonly List<Subscriber> _joined = [];
    private Action<TimeSpan> _onPause = static _ => { };

    public LaneTests()
    {
        _provider = new ServiceCollection()
            .AddLogging()
            .AddMetrics()
            .AddSingleton<IConfiguration>(new ConfigurationBuilder().Build())
            .AddSingleton<IHostApplicationLifetime, ApplicationLifetime>()
            .AddSingleton<TimeProvider>(_time)
            .AddComet()
            .BuildServiceProvider();
        _services = _provider.GetRequiredService<ConnectionServices>();
        _lane = new Lane(_services, realTime: _time, length => _onPause(length));
        _feed = CreateFeed("news", SlowClientPolicy.End, retain: 100);
        _tail = _feed.Tail;
    }

    [Fact]
    public async Task Messages_that_come_during_a_pass_wait_as_long_as_it_took_and_leave_together()
    {
        var (pause, resume) = (new TaskCompletionSource<TimeSpan>(), new ManualResetEventSlim());
        _onPause = length =>
        {
            pause.SetResult(length);
            resume.Wait(Eventually.Patience);
        };
        var (_, writer) = Join();
        writer.OnWrite = () =>
        {
            writer.OnWrite = static () => { };
            _time.Advance(Milliseconds3);
            Append(2);
        };

        Append(1);
        Assert.Equal(Milliseconds3, await pause.Task.WithPatience());
        Append(3);
        Assert.Single(writer.Writes);
        resume.Set();
        await Eventually.HoldsAsync(() => writer.Writes.Count > 1, "the write after the pause");

        Assert.Equal(["1"], Values(writer.Writes[0]));
        Assert.Equal(["2", "3"], Values(writer.Writes[1]));
    }

    [Fact]
    public async Task A_backlog_leaves_batch_by_batch_and_connections_that_keep_up_are_served_in_between()
    {
        const int Backlog = 10;
        var order = new ConcurrentQueue<string>();
        var news = Backlog;
        var (_, fast) = Join(onWrite: () => order.Enqueue("fast"));
        for (var number = 1; number <= Backlog; number++)
        {
            Append(number, padding: 20_000); // two are more than one batch
        }
        await Eventually.HoldsAsync(() => Last(fast) == Backlog, "the connection that keeps up has the backlog");
        order.Clear();

        var (_, slow) = Join(_tail.State.Start, () =>
        {
            order.Enqueue("slow");
            if (news < Backlog + 3)
            {
                Append(++news); // during the pass, so for the next
            }
        });

        await Eventually.HoldsAsync(() => Last(slow) == news && Last(fast) == news, "both have everything");

        Assert.Equal(Enumerable.Range(1, news), slow.Writes.SelectMany(Values).Select(int.Parse));
        Assert.Equal(Enumerable.Range(1, news), fast.Writes.SelectMany(Values).Select(int.Parse));
        Assert.All(slow.Writes, batch => Assert.InRange(batch.Length, 1, 64_000));
        Assert.Equal(["slow", "fast"], order.Take(2)); // what came with the first batch, before the second

        static int Last(RecordingWriter writer) => writer.Writes.SelectMany(Values).Select(int.Parse).LastOrDefault();
    }

    [Fact]
    [Trait("Category", "Matrix")]
    public void A_connection_that_joins_just_when_the_last_leaves_gets_heartbeats()
    {
        var (last, _) = Join();
        for (var i = 0; i < 2_000; i++)
        {
            _lane.Leave(last);
            Thread.SpinWait(i % 200 * 50);
            var (next, writer) = Join();
            Assert.True(HappensInTime(() => last.Completion.IsCompleted));
            Assert.True(HappensInTime(() => writer.Writes.Count > 0), $"No heartbeat for connection {i}");
            last = next;
        }
    }

    private bool HappensInTime(Func<bool> condition) => SpinWait.SpinUntil(
        () =>
        {
            _time.Advance(Heartbeat);
            return condition();
        },
        Eventually.Patience);

    [Fact]
    public async Task A_write_that_completes_between_two_checks_of_its_status_does_not_hold_its_stream()
    {
        var (_, writer) = Join();
        writer.Result = new(new CompletedMeanwhile(), 0);

        Append(1);
        await Eventually.HoldsAsync(() => writer.Writes.Count == 1, "the first message is written");
        Append(2);

        await Eventually.HoldsAsync(() => Values(string.Concat(writer.Writes)).SequenceEqual(["1", "2"]), "the second message is written");
    }

    [Fact]
    public async Task A_stop_that_comes_as_a_pass_has_read_the_time_is_seen_by_the_next()
    {
        var lane = new Lane(_services); // whose passes read the clock only to see what is due
        var (subscriber, _) = Join(new FeedSet([_feed], "news", areNamed: false), [_tail.State.End], lane: lane);
        await lane.ReportAsync().WithPatience();
        _time.OnceRead(() =>
        {
            _time.Advance(TimeSpan.FromMilliseconds(1));
            _provider.GetRequiredService<IHostApplicationLifetime>().StopApplication();
        });

        await lane.ReportAsync().WithPatience();

        await subscriber.Completion.WithPatience();
    }

    [Theory]
    [InlineData(SlowClientPolicy.Latest, "skipped slow 3|message slow 9")]
    [InlineData(SlowClientPolicy.Skip, "skipped slow 1|message slow 7|message slow 8|message slow 9")]
    [InlineData(SlowClientPolicy.End, "end  ")]
    public async Task A_policy_holds_for_its_feed_alone(SlowClientPolicy whenSlow, string ofSlow)
    {
        var other = CreateFeed("other", SlowClientPolicy.End, retain: 100);
        var slow = CreateFeed("slow", whenSlow, retain: 3);
        var (_, writer) = Join(new FeedSet([other, slow], "both", areNamed: true), [other.Tail.State.End, slow.Tail.State.End]);
        var taken = new TaskCompletionSource<bool>();
        writer.Result = new(taken.Task);

        Append(other.Tail, 1);
        await Eventually.HoldsAsync(() => writer.Writes.Count == 1, "the first message is under way");
        for (var number = 6; number <= 9; number++)
        {
            Append(slow.Tail, number);
        }
        Append(other.Tail, 2);
        var seen = new ManualResetEventSlim();
        // The lane has come past all of them.
        Join(new FeedSet([other], "other", areNamed: false), [other.Tail.State.Start], () => seen.Set());
        seen.Wait(Eventually.Patience);
        taken.SetResult(true);

        var expected = whenSlow == SlowClientPolicy.End ? ofSlow : $"message other 2|{ofSlow}";
        await Eventually.HoldsAsync(() => Rest() == Sorted(expected), "what is left comes");

        string Rest() => Sorted(string.Join('|', writer.Writes.Skip(1).SelectMany(Lines).Select(static line =>
            $"{line.GetProperty("type")} {Text(line, "feed")} {Text(line, "count")}{Text(line, "data")}")));

        static string Sorted(string lines) => string.Join('|', lines.Split('|').Order(StringComparer.Ordinal));

        static string Text(JsonElement line, string name) => line.TryGetProperty(name, out var value) ? value.ToString() : "";
    }

    [Fact]
    public async Task A_slow_connection_whose_place_was_trimmed_by_age_is_told_at_once()
    {
        var brief = CreateFeed("brief", SlowClientPolicy.Skip, retain: 100, retainFor: TimeSpan.FromSeconds(1));
        var (_, writer) = Join(new FeedSet([brief], "brief", areNamed: false), [brief.Tail.State.End]);
        var taken = new TaskCompletionSource<bool>();
        writer.Result = new(taken.Task);
        Append(brief.Tail, 1);
        await Eventually.HoldsAsync(() => writer.Writes.Count == 1, "the first message is under way");
        Append(brief.Tail, 2);
        Append(brief.Tail, 3);
        var passed = new ManualResetEventSlim();
        Join(new FeedSet([brief], "brief", areNamed: false), [brief.Tail.State.Start], passed.Set);
        Assert.True(passed.Wait(Eventually.Patience), "the lane has come past all of them");

        _time.Advance(TimeSpan.FromSeconds(2));
        brief.Tail.TrimByAge();
        taken.SetResult(true);

        await Eventually.HoldsAsync(
            () => writer.Writes.SelectMany(Lines).Any(static line => line.TryGetProperty("count", out var count) && count.GetInt64() == 2),
            "the connection is told of the two that it has missed");
    }

    public void Dispose()
    {
        _joined.ForEach(_lane.Leave);
        SpinWait.SpinUntil(() => _joined.TrueForAll(subscriber => subscriber.Completion.IsCompleted), Eventually.Patience);
        _provider.Dispose();
    }

    private static IEnumerable<JsonElement> Lines(string lines) =>
        lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => JsonDocument.Parse(line).RootElement);

    [Fact]
    public async Task Who_follows_into_a_log_that_has_ended_gets_the_end()
    {
        var (_, writer) = Join();
        Append(1);
        await Eventually.HoldsAsync(() => writer.Writes.Count > 0, "the message is written");
        var isReset = false;
        writer.OnWrite = () =>
        {
            if (!isReset)
            {
                isReset = true;
                _tail.Reset("another", head: 0);
                _tail.Append([
                    new(1, "2"u8.ToArray(), DateTimeOffset.UnixEpoch),
                    new(2, ReadOnlyMemory<byte>.Empty, DateTimeOffset.UnixEpoch),
                ]);
            }
        };

        Append(2);

        await Eventually.HoldsAsync(() => string.Concat(writer.Writes).Contains("\"end\"", StringComparison.Ordinal), "the end is written");
        Assert.Contains("\"id\":\"another-1\",\"recovered\":false", string.Concat(writer.Writes), StringComparison.Ordinal);
    }

    private static IEnumerable<string> Values(string lines) => Lines(lines).Select(static line => line.GetProperty("data").ToString());

    private void Append(int number, int padding = 0) => Append(_tail, number, padding);

    private void Append(FeedTail tail, int number, int padding = 0) =>
        tail.Append([new FeedEntry(number, Encoding.ASCII.GetBytes($"{number}".PadRight(padding)), _time.GetUtcNow())]);

    private FeedCore CreateFeed(string name, SlowClientPolicy whenSlow, int retain, TimeSpan? retainFor = null)
    {
        var options = new FeedOptions
        {
            Retain = retain,
            RetainBytes = 1_000_000,
            RetainFor = retainFor ?? TimeSpan.FromHours(1),
            WhenSlow = whenSlow,
        };
        var feed = new FeedCore(
            new FeedName(name), options, new MemoryStore(_time), new KeptPages(), _services, _provider.GetRequiredService<Lanes>());
        feed.Tail.Reset("epoch", head: 0);
        return feed;
    }

    private (Subscriber, RecordingWriter) Join(TailCursor? cursor = null, Action? onWrite = null) =>
        Join(new FeedSet([_feed], "news", areNamed: false), [cursor ?? _tail.State.End], onWrite);

    private (Subscriber, RecordingWriter) Join(FeedSet feeds, TailCursor[] place, Action? onWrite = null, Lane? lane = null)
    {
        var writer = new RecordingWriter { OnWrite = onWrite ?? (static () => { }) };
        var settings = new ConnectionSettings
        {
            Lease = Lease(),
            Writer = writer,
            Format = NdjsonFormat.Instance,
            Nonce = Nonce.Create(),
            Server = new CometOptions { Heartbeat = Heartbeat },
        };
        var subscriber = new Subscriber(settings, _services.Clock.Now, feeds) { Place = place };
        _joined.Add(subscriber);
        _ = subscriber.Follow(lane ?? _lane, writer);
        return (subscriber, writer);
    }

    private ConnectionLease Lease()
    {
        Assert.Null(_provider.GetRequiredService<ConnectionLimits>().TryAcquire(new DefaultHttpContext(), out var lease));
        return lease!;
    }

    private sealed class RecordingWriter() : HttpResponseWriter(new DefaultHttpContext())
    {
        private readonly List<string> _writes = [];

        internal Action OnWrite { get; set; } = static () => { };

        /// <summary>What the next write returns; those after it complete at once.</summary>
        internal ValueTask<bool> Result { get; set; } = new(true);

        internal IReadOnlyList<string> Writes
        {
            get
            {
                lock (_writes)
                {
                    return [.. _writes];
                }
            }
        }

        internal override ValueTask<bool> WriteAsync(FrameBuffer buffer)
        {
            lock (_writes)
            {
                _writes.Add(Encoding.UTF8.GetString(buffer.Content));
            }
            OnWrite();
            var result = Result;
            Result = new(true);
            return result;
        }
    }

    /// <summary>A write that completes between two checks of its status, as one to a socket may on another thread.</summary>
    private sealed class CompletedMeanwhile : IValueTaskSource<bool>
    {
        private int _asked;

        public bool GetResult(short token) => true;

        public ValueTaskSourceStatus GetStatus(short token) =>
            _asked++ == 0 ? ValueTaskSourceStatus.Pending : ValueTaskSourceStatus.Succeeded;

        public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            continuation(state);
    }
}
