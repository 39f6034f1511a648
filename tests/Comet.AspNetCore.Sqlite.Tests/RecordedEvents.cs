using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.Sqlite.Tests;

/// <summary>The names of the store's events in the app's log, in order.</summary>
internal sealed class RecordedEvents : ILoggerProvider, ILogger
{
    private readonly ConcurrentQueue<string> _names = new();

    internal string[] Names => [.. _names];

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (eventId.Name?.StartsWith("Store", StringComparison.Ordinal) == true)
        {
            _names.Enqueue(eventId.Name);
        }
    }

    public void Dispose()
    {
    }
}
