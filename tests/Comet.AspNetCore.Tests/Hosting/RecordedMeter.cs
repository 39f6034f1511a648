using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.AspNetCore.Tests.Hosting;

/// <summary>Keeps what one app measures.</summary>
internal sealed class RecordedMeter : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly ConcurrentQueue<Measurement> _measurements = new();

    internal RecordedMeter(TestApp app, string name = "Comet.AspNetCore")
    {
        var factory = app.Services.GetRequiredService<IMeterFactory>();
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == name && instrument.Meter.Scope == factory)
            {
                Instruments.Add(instrument);
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.Start();
    }

    internal ConcurrentBag<Instrument> Instruments { get; } = [];

    internal List<Measurement> Of(string instrument) => [.. _measurements.Where(measurement => measurement.Instrument == instrument)];

    internal double Sum(string instrument, params string[] tags) =>
        Of(instrument).Where(measurement => tags.All(measurement.Tags.Contains)).Sum(measurement => measurement.Value);

    public void Dispose() => _listener.Dispose();

    private void Record(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var list = new List<string>();
        foreach (var (name, tag) in tags)
        {
            list.Add($"{name}={tag}");
        }
        _measurements.Enqueue(new Measurement(instrument.Name, value, list));
    }

    internal sealed record Measurement(string Instrument, double Value, List<string> Tags);
}
