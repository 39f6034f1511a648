using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.Tests.Hosting;

/// <summary>Keeps what was logged.</summary>
internal sealed class RecordedLog : ILoggerProvider, ILogger
{
    private readonly ConcurrentQueue<Entry> _entries = new();

    internal IEnumerable<Entry> Entries => _entries;

    internal IEnumerable<Entry> Errors => _entries.Where(entry => entry.Level >= LogLevel.Error);

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _entries.Enqueue(new Entry(logLevel, eventId, formatter(state, exception), exception));

    public void Dispose()
    {
    }

    internal sealed record Entry(LogLevel Level, EventId EventId, string Message, Exception? Exception);
}
