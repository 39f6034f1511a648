using Comet.AspNetCore.Tests.Hosting;
using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.Tests;

public class LogOperatorTests
{
    private readonly RecordedLog _log = new();

    [Fact]
    public async Task Logs_elements_and_completion_and_passes_everything_on()
    {
        var elements = await new[] { 1, 2 }.ToAsyncEnumerable().Log(_log, "clock").ToListAsync(TestContext.Current.CancellationToken);

        Assert.Equal([1, 2], elements);
        Assert.Equal(["[clock] element: 1", "[clock] element: 2", "[clock] completed"], _log.Entries.Select(entry => entry.Message));
        Assert.All(_log.Entries, entry => Assert.Equal(LogLevel.Debug, entry.Level));
        Assert.Equal([20, 20, 21], _log.Entries.Select(entry => entry.EventId.Id));
    }

    [Fact]
    public async Task Logs_an_error_with_its_exception_and_passes_it_on()
    {
        var failure = new InvalidTimeZoneException();
        var source = new Source<int>();
        source.Give(7);
        source.Complete(failure);

        await Assert.ThrowsAsync<InvalidTimeZoneException>(
            async () => await source.ReadAsync()
                .Log(_log, "clock", LogLevel.Information)
                .ToListAsync(TestContext.Current.CancellationToken));

        Assert.Equal([LogLevel.Information, LogLevel.Error], _log.Entries.Select(entry => entry.Level));
        Assert.Same(failure, _log.Entries.Last().Exception);
        Assert.Equal("[clock] failed", _log.Entries.Last().Message);
        Assert.True(source.Left.IsCompleted);
    }

    [Fact]
    public async Task Logs_that_it_was_cancelled_and_leaves_the_source()
    {
        var source = new Source<int>();
        using var stop = new CancellationTokenSource();
        var reading = source.ReadAsync(CancellationToken.None).Log(_log, "clock").ToListAsync(stop.Token);
        await source.Started.WithPatience();

        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await reading);
        Assert.Equal(["[clock] cancelled"], _log.Entries.Select(entry => entry.Message));
        await source.Left.WithPatience();
    }

    [Fact]
    public async Task Leaves_the_source_when_it_is_left()
    {
        var source = new Source<int>();
        source.Give(1);

        await foreach (var _ in source.ReadAsync().Log(_log, "clock").WithCancellation(TestContext.Current.CancellationToken))
        {
            break;
        }

        Assert.True(source.Left.IsCompleted);
    }
}
