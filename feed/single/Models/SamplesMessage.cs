namespace CometApp.Models;

/// <summary>What the feed carries. Replace it by what yours does.</summary>
public sealed record SamplesMessage(double Value, DateTimeOffset At);
