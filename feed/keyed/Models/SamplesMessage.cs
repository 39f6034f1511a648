namespace CometApp.Models;

/// <summary>What the feeds carry. Replace it by what yours do.</summary>
public sealed record SamplesMessage(string Text, DateTimeOffset At);
