using System.Diagnostics;
using System.Globalization;
using Comet.AspNetCore.RabbitMQ.Messages;
using Comet.AspNetCore.RabbitMQ.Stores;
using Comet.AspNetCore.RabbitMQ.Tests.Hosting;
using Comet.AspNetCore.Stores;
using Comet.TestUtilities.Conformance;
using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.RabbitMQ.Tests;

/// <summary>Clients who ask for everything that is kept of one key, where the others of its family have written much.</summary>
[Trait("Category", "Matrix")]
public sealed class DeepReadersTests(Broker broker)
{
    // A search through all that is kept is long.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly string _family = Server.NewName();
    private readonly RecordedLog _messages = new();

    [Fact]
    public async Task A_reader_near_the_end_does_not_wait_for_one_who_reads_everything()
    {
        const int Others = 200_000;
        await using var first = await StartAsync();
        await using var deep = await first.OpenAsync($"{_family}/deep", new RecordingTail());
        await using var near = await first.OpenAsync($"{_family}/near", new RecordingTail());
        var begin = await deep.AppendAsync("0");
        await WriteOthersAsync(begin, Others);
        await near.AppendAsync("1");
        var last = await deep.AppendAsync("2");
        await WriteOthersAsync(begin, 11_000, from: Others);
        await using var second = await StartAsync();
        await using var deepThere = await second.OpenAsync($"{_family}/deep", new RecordingTail());
        await using var nearThere = await second.OpenAsync($"{_family}/near", new RecordingTail());

        var readDeep = deepThere.ReadAsync(begin.Offset, 10, long.MaxValue, TestContext.Current.CancellationToken).AsTask();
        await Eventually.HoldsAsync(
            () => Scans().Count > 0,
            "the deep one reads");
        var clock = Stopwatch.StartNew();
        var page = await nearThere.ReadAsync(last.Offset - 1000, 10, TestContext.Current.CancellationToken).AsTask().WithPatience();

        TestContext.Current.TestOutputHelper?.WriteLine($"The near reader has waited for {clock.Elapsed.TotalSeconds:0.0} s.");
        Assert.Single(page.Entries);
        Assert.False(readDeep.IsCompleted, "The near reader has waited for the deep one.");
        Assert.Equal(last.Offset, (await readDeep.WaitAsync(Patience, TestContext.Current.CancellationToken)).Entries[0].Offset);
    }

    [Fact]
    public async Task A_client_that_gives_up_again_and_again_goes_on_where_its_search_has_got_to()
    {
        await using var first = await StartAsync();
        await using var log = await first.OpenAsync($"{_family}/deep", new RecordingTail());
        var begin = await log.AppendAsync("0");
        await WriteOthersAsync(begin, 40_000);
        var last = await log.AppendAsync("1");
        await WriteOthersAsync(begin, 20_000, from: 40_000);
        await using var second = await StartAsync();
        await using var there = await second.OpenAsync($"{_family}/deep", new RecordingTail());

        for (var attempt = 0; attempt < 5; attempt++)
        {
            using var patience = new CancellationTokenSource();
            var before = Scans().Count;
            var reading = there.ReadAsync(begin.Offset, 10, patience.Token).AsTask();
            await Eventually.HoldsAsync(() => Scans().Count > before, "a part is read");
            await patience.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading.WithPatience());
        }
        var page = await there.ReadAsync(begin.Offset, 10, TestContext.Current.CancellationToken).AsTask()
            .WaitAsync(Patience, TestContext.Current.CancellationToken);

        Assert.Equal([last.Offset], page.Entries.Select(entry => entry.Offset));
        Assert.True(Scans().Count > 5, "The reading was no deep one.");
        Assert.Distinct(Scans()); // none was read twice
    }

    private List<string> Scans() =>
        [.. _messages.Entries.Where(entry => entry.EventId.Name == "RabbitMQStreamScanned").Select(entry => entry.Message)];

    private Task<StoreHost> StartAsync() => StoreHost.StartAsync(builder =>
    {
        builder.Logging.AddProvider(_messages).SetMinimumLevel(LogLevel.Debug);
        builder.AddPatientRabbitMQ(broker.ConnectionString, options => (options.Partitions, options.RecentBytes) = (1, 256 * 1024));
    });

    private async Task WriteOthersAsync(FeedPosition known, int count, int from = 0)
    {
        var name = RabbitMQStreamName.Of(FeedName.Parse($"{_family}/any"), new RabbitMQStoreOptions { Partitions = 1 });
        await using var raw = await RawStream.OpenAsync(broker, name);
        await raw.WriteAsync(Enumerable.Range(from + 1, count).Select(number => new RabbitMQMessage
        {
            Id = new MessageId(7, number),
            Epoch = known.Epoch,
            Floor = Math.Max(known.Offset - 1, known.Offset + number - 1100), // as of a publisher who reads what it has written
            Feed = string.Create(CultureInfo.InvariantCulture, $"{_family}/{number % 100}"),
            At = DateTimeOffset.UtcNow,
            Payload = Payloads.Of("0"),
        }));
    }
}
